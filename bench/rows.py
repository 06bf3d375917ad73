"""The rows of docs/PERFORMANCE.md: what each of them runs, and what it is compared with."""
import json, os, re, statistics, subprocess, sys, tempfile

from harness import GROUP, NEW, ROOT, THREADS, Bench, run, seconds, write_png


class Rows(Bench):
    def P1(self):
        if not self.peers:
            return
        side = 224 if self.args.quick else 512
        self.small()
        rolls = [m["time/rollout"] for m in self.grpo(side, 3)]
        peer = self.peer("bench_generate.py", "--ckpt", self.small(), "--dtype", "bf16", "--img", side, "--group", GROUP, "--new", NEW, "--repeat", 1,
                         "--threads", THREADS)
        rolls += [m["time/rollout"] for m in self.grpo(side, 2)]
        ours = statistics.median(rolls)
        for total, name in [("generate_total_s", "HF generate"), ("shared_total_s", "HF, prompt shared by hand")]:
            self.add("P1", f"group rollout, 100.8 M, 2 x {side} px, G {GROUP}, {NEW} tokens", ours, "s", peer["median"][total], name)

    def P2(self):
        if not self.peers:
            return
        for side in [224] if self.args.quick else [224, 448]:
            steps = ["--steps", 1, "--warmup", 1] if self.args.quick else ["--steps", 3, "--warmup", 1]
            common = ["--ckpt", self.small(), "--dtype", "bf16", "--img", side, "--threads", THREADS, *steps]
            ours = self.grpo(side, 4)
            trl = self.peer("bench_grpo.py", "--impl", "trl", *common)
            ours += self.grpo(side, 4)
            peers = [("TRL", trl)]
            if not self.args.quick:
                peers.append(("by hand", self.peer("bench_grpo.py", "--impl", "manual_vision_once", *common)))
                ours += self.grpo(side, 4)
            step = statistics.median(m["step_time"] for m in ours)
            rss = max(m["memory/peak_rss_gb"] for m in ours)
            limit = self.step_limit(trl["prompt_tokens"]) / step
            for name, peer in peers:
                self.add("P2", f"GRPO step, 100.8 M, bf16, {side} px", step, "s", peer["median"]["step_s"], name, limit_share=limit, peak_rss_gb=rss)
            self.add("P2", f"its peak memory, {side} px", rss, "GB", trl["peak_rss_gb"], "TRL", peak_rss_gb=rss)

    def P3(self):
        out = tempfile.mkdtemp(dir=self.folder)
        run([self.program, "train", "grpo", "--config", os.path.join(ROOT, "recipes/listener.toml"), "--output-dir", out, "--max-steps", 4 if self.args.quick else 12,
             "--warmup-steps", 1, "--logging-steps", 1, "--eval-steps", 0, "--quiet"], cwd=ROOT)
        with open(os.path.join(out, "metrics.jsonl")) as f:
            rows = [json.loads(line) for line in f][1:]
        share = statistics.median(m["time/listener"] / m["step_time"] for m in rows)
        self.add("P3", "the listener's share of a step, embedded judge (goal 0.15)", share, "of the step", peak_rss_gb=max(m["memory/peak_rss_gb"] for m in rows))

    def P4(self):
        """Decoding (P4), the prompt (P5) and a group's rollout (P1) of the 3B geometry. Not among the usual rows: it writes 20 GB and needs 14 GB
        of memory."""
        if not self.peers:
            return
        path = os.path.join(self.work, "3b")
        if not os.path.exists(os.path.join(path, "model.safetensors.index.json")):
            self.say("making a checkpoint of the 3B geometry (7.5 GB)")
            self.peer("make_checkpoint.py", "--preset", "3b", "--dir", path)
        with open(os.path.join(path, "config.json")) as f:
            c = json.load(f)
        block = self.block_weights(c)
        new, turns = (32, 1) if self.args.quick else (NEW, 2)
        for name, bits, head_bits, theirs in [("bf16", 16, 16, "bf16"), ("int8", 8.5, 8.5, "q8_0"), ("int4", 4.5, 8.5, "q4_0")]:
            self.say(name)
            self.roof = None  # memory is quicker in one minute than in the next
            bandwidth, peak = self.limits()
            outs, llamas = [], []
            for _ in range(turns):
                outs.append(json.loads(run([self.program, "bench", "--model", path, "--quantize", "none" if bits == 16 else name, "--repeat", 1,
                                            "--max-completion-length", new, "--num-generations", f"1,{GROUP}", "--quiet", "--json"])))
                if self.llama_there:
                    llamas.append(self.llama(path, theirs, outs[0]["prompt_tokens"], new))
            middle = lambda of, them: statistics.median(of(x) for x in them)
            rss, prompt, load = max(out["peak_rss_gb"] for out in outs), outs[0]["prompt_tokens"], middle(lambda out: out["load_s"], outs)
            one, group = ({key: middle(lambda out: out["runs"][k][key], outs) for key in ["tokens_per_second", "first_token_s"]} for k in range(2))
            speed = {key: middle(lambda l: l["runs"][theirs][key], llamas) for key in llamas[0]["runs"][theirs]} if llamas else {}
            per_token = (block * bits + c["hidden_size"] * c["vocab_size"] * head_bits) / 8e9  # GB
            def add(row, case, ours, unit, theirs, share=None):
                self.add(row, f"{case}, 3B {name}", ours, unit, theirs, "llama.cpp" if theirs else None, limit_share=share, peak_rss_gb=rss)
            add("P4", "decoding, one stream", one["tokens_per_second"], "tokens/s", speed.get("tokens_per_second"), one["tokens_per_second"] * per_token / bandwidth)
            add("P4", f"decoding, G {GROUP}", group["tokens_per_second"], "tokens/s", speed.get("group_tokens_per_second"),
                group["tokens_per_second"] / GROUP * per_token / bandwidth)
            # Theirs: two pictures through the encoder, and the prompt's tokens.
            prefill = 2 * middle(lambda l: l["picture_s"], llamas) + prompt / speed["prompt_tokens_per_second"] if llamas else None
            first = one["first_token_s"]
            at_peak = self.prompt_limit(c, block, prompt) / peak / first
            add("P5", "prompt of two pictures of 512 px", first, "s", prefill, at_peak)
            rollout = group["first_token_s"] + GROUP * new / group["tokens_per_second"]
            best = self.prompt_limit(c, block, prompt) / peak + new * per_token / bandwidth
            add("P1", f"group rollout, 2 x 512 px, G {GROUP}, {new} tokens", rollout, "s", prefill and prefill + GROUP * new / speed["group_tokens_per_second"], best / rollout)
            if name == "bf16" and not self.args.quick:
                hf = self.peer("bench_generate.py", "--ckpt", path, "--dtype", "bf16", "--img", 512, "--group", GROUP, "--new", new, "--repeat", 1,
                               "--threads", THREADS)["median"]
                self.add("P5", "prompt of two pictures of 512 px, 3B bf16", first, "s", hf["shared_prefill_s"], "HF", limit_share=at_peak, peak_rss_gb=rss)
                for total, peer in [("generate_total_s", "HF generate"), ("shared_total_s", "HF, prompt shared by hand")]:
                    self.add("P1", f"group rollout, 2 x 512 px, G {GROUP}, {new} tokens, 3B bf16", rollout, "s", hf[total], peer, limit_share=best / rollout, peak_rss_gb=rss)
            self.add("P4", f"loading, 3B {name}", load, "s", peak_rss_gb=rss)

    def llama(self, path, kind, prompt_tokens, new):
        return self.peer("bench_llama.py", "--ckpt", path, "--llama", self.llama_there, "--work", os.path.join(self.work, "gguf"), "--types", kind,
                         "--prompt-tokens", prompt_tokens, "--group", GROUP, "--new", new, "--repeat", 1)

    @staticmethod
    def prompt_limit(c, block, tokens):
        """GFLOP of a prompt with two pictures of 512 px (1,296 patches each; the tower's attention is left out)."""
        v = c["vision_config"]
        d = v["hidden_size"]
        tower = v["depth"] * (4 * d * d + 3 * d * v["intermediate_size"])
        return 2e-9 * (block * tokens + tower * 2 * 1296)

    def P6(self):
        cases = [("embedded", os.path.join(ROOT, "models/embedded"), 96, 3 if self.args.quick else 7)]
        if self.peers and not self.args.quick:
            cases += [("100.8 M", self.small(), 448, 3), ("100.8 M", self.small(), 1008, 1)]
        for name, model, side, rounds in cases:
            out = run([os.path.join(self.build, "beholder_ask_bench"), model, side, 30, rounds])
            branched, each, ratio = (float(x) for x in re.search(r"branched ([\d.]+) s, one by one ([\d.]+) s, ratio ([\d.]+)", out).groups())
            self.add("P6", f"30 questions about a picture, {name}, {side} px", branched, "s", each, "a call per question", ratio=ratio)

    def P7(self):
        if not self.peers:
            return
        out = self.peer("bench_preprocess.py", "--bench", os.path.join(self.build, "preprocess_bench"), "--count", 24, "--rounds", 3 if self.args.quick else 5)
        self.add("P7", "JPEG to patches, one thread", out["images_per_second"], "pictures/s", out["peer_images_per_second"], "Pillow + HF")

    def P9(self):
        for line in run([os.path.join(self.build, "rank_bench"), 1.15, 0.23, 1 if self.args.quick else 5, 64 if self.args.quick else 1000]).splitlines()[1:]:
            n, comparisons, share, tau = line.split()[:4]
            if int(n) >= 64:
                n = int(n)
                self.add("P9", f"comparisons to order {n}", float(comparisons), "pairs", n * (n - 1) / 2, "all pairs")
                self.add("P9", f"Kendall's tau of that order of {n} to that of all pairs", float(tau), "tau")

    def P10(self):
        """Ranks with a thread each on this machine, the same global batch; more ranks than cores share them."""
        most = 2 if self.args.quick else 4
        steps_of = {ranks: [] for ranks in (1, 2, 4)[:most // 2 + 1]}  # metrics of rank 0, by number of ranks
        for ranks in list(steps_of) * (1 if self.args.quick else 3):
            out, port = tempfile.mkdtemp(dir=self.folder), 20000 + os.getpid() % 20000 + ranks
            args = [self.program, "train", "grpo", "--config", os.path.join(ROOT, "recipes/soft.toml"), "--gradient-accumulation-steps", most // ranks,
                    "--max-steps", 5, "--warmup-steps", 1, "--logging-steps", 1, "--eval-steps", 0, "--output-dir", out, "--quiet"]
            processes = [subprocess.Popen([str(a) for a in args], cwd=ROOT, stdout=subprocess.DEVNULL, env={
                **os.environ, "RANK": str(r), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"})
                for r in range(ranks)]
            if any(p.wait() for p in processes):
                raise SystemExit("P10: a rank failed")
            with open(os.path.join(out, "metrics.jsonl")) as f:
                steps_of[ranks].extend(json.loads(line) for line in list(f)[1:])
        middle = lambda ranks, name: statistics.median(step[name] for step in steps_of[ranks])
        for ranks in list(steps_of)[1:]:
            of = f"{ranks} ranks, a thread each{f' on {os.cpu_count()} cores' if ranks > os.cpu_count() else ''}, embedded judge"
            rss = max(step["memory/peak_rss_gb"] for step in steps_of[ranks])
            self.add("P10", f"GRPO step of {of}", middle(ranks, "step_time"), "s", middle(1, "step_time"), "one rank", peak_rss_gb=rss)
            self.add("P10", f"of it waiting for gradients and parameters, {of}", middle(ranks, "time/exchange"), "s", peak_rss_gb=rss)
            self.add("P10", f"exchange during which a rank did not wait, {of}", middle(ranks, "exchange/hidden"), "share", peak_rss_gb=rss)
            self.add("P10", f"largest difference of a loss to one rank's, {of}", max(abs(a["loss"] - b["loss"]) for a, b in zip(steps_of[1], steps_of[ranks])), "nats",
                     peak_rss_gb=rss)

    def P11(self):
        for k in range(2):
            write_png(os.path.join(self.folder, f"start{k}.png"), 56, k + 1)
        pictures = [os.path.join(self.folder, f"start{k}.png") for k in range(2)]
        args = [self.program, "rank", "--prompt", "a red circle", "--quiet", *pictures]
        ours, peer = [], []
        for _ in range(2 if self.args.quick else 5):
            ours.append(seconds(args))
            if self.peers:
                peer.append(seconds([self.peers, "-c", "import torch, transformers; transformers.AutoModelForImageTextToText"]))
        self.add("P11", "from start to two ranked pictures", statistics.median(ours), "s", statistics.median(peer) if peer else None,
                 "import of torch and transformers" if peer else None)


    def kernels(self):
        """Google Benchmark's cases of kernels and rooms; all flags: build/beholder_bench --help."""
        program = os.path.join(self.build, "beholder_bench")
        if not os.path.exists(program):
            return
        out = json.loads(run([program, "--benchmark_format=json", f"--benchmark_min_time={0.05 if self.args.quick else 0.3}"]))
        bandwidth = self.limits()[0] * 1e9 if self.peers else None
        for b in out["benchmarks"]:
            seconds = b["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[b["time_unit"]]
            read = b.get("weight bytes/s")
            self.add("kernels", b["name"].removesuffix("/real_time"), seconds, "s", limit_share=read / bandwidth if read and bandwidth else None)
