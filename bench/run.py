#!/usr/bin/env python3
"""The rows of docs/PERFORMANCE.md beside their peers, in one sitting: a table, and build/bench.json.

    python3 bench/run.py [--quick] [--rows P2,P7] [--peers .venv-peers/bin/python] [--work DIR] [--save-baseline]

What is timed takes turns with its peer, and medians are compared. `ratio` is how many times faster ours is; `limit_share` the share of what
memory bandwidth and matrix peak, measured in this run, would allow. Without a peers' Python (`make peers`) and llama.cpp (`make peers-llama`)
the rows that need them are left out or stand alone. Standard library only; checkpoints and pictures are made on the spot. Rows that were
measured before and not now stay in build/bench.json.
"""
import argparse, json, os, platform, re, statistics, struct, subprocess, sys, tempfile, time, zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "tools/peers")
NEW = 128  # tokens of every completion
GROUP = 8


peak_gb = 0.0  # resident, of the largest program of ours that ran since the row began


def run(args, **kw):
    global peak_gb
    args = [str(a) for a in args]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(args, stdout=out, stderr=err, **kw)
        status, usage = os.wait4(child.pid, 0)[1:]
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, args, stderr=err.read())
        if "python" not in args[0]:
            peak_gb = max(peak_gb, usage.ru_maxrss / 1e6)
        return out.read().decode()


def seconds(args, **kw):
    start = time.perf_counter()
    run(args, **kw)
    return time.perf_counter() - start


def write_png(path, side, seed):
    """Smooth colours with some grain, so that nothing about it is easy."""
    state, rows = seed * 2654435761 % 2**32 or 1, []
    for y in range(side):
        row = bytearray([0])
        for x in range(side):
            state = (state * 1664525 + 1013904223) % 2**32
            grain = state >> 28
            row += bytes(((x * 255 // side + grain) % 256, (y * 255 // side + grain) % 256, (seed * 40 + (x + y) // 4 + grain) % 256))
        rows.append(bytes(row))
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(b"".join(rows), 1)) + chunk(b"IEND", b""))


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.table = args, folder, []
        self.build = os.path.abspath(args.build)
        self.program = os.path.join(self.build, "bin/beholder")
        self.peers = args.peers if args.peers and os.path.exists(args.peers) else None
        self.roof, self.small_config = None, None
        self.work = args.work or folder
        llama = os.path.join(ROOT, ".venv-peers/llama")
        self.llama_there = llama if self.peers and os.path.exists(llama + "/build/bin/llama-bench") else None

    # ---- what several rows need

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def add(self, row, case, ours, unit, peer=None, peer_name=None, ratio=None, limit_share=None, peak_rss_gb=None):
        if ratio is None and peer is not None:
            ratio = ours / peer if unit.endswith("/s") else peer / ours
        limit = limit_share and (ours / limit_share if unit.endswith("/s") else ours * limit_share)
        self.table.append({"row": row, "case": case, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "limit": limit,
                           "limit_share": limit_share, "unit": unit, "peak_rss_gb": peak_rss_gb or peak_gb or None})

    def peer(self, script, *args):
        out = os.path.join(self.folder, "peer.json")
        run([self.peers, os.path.join(PEERS, script), *args, "--out", out], env={**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())})
        with open(out) as f:
            return json.load(f)

    def small(self):
        """A random checkpoint of 100.8 M weights."""
        path = os.path.join(self.folder, "small")
        if not os.path.exists(path):
            self.say("making a checkpoint of 100.8 M weights")
            self.peer("make_checkpoint.py", "--preset", "small", "--dir", path)
            with open(os.path.join(path, "config.json")) as f:
                self.small_config = json.load(f)
        return path

    def limits(self):
        """(GB/s read, bf16 GFLOP/s), on all cores."""
        if self.roof is None:
            self.say("measuring the machine's limits")
            roof = self.peer("bench_roofline.py", "--threads", str(os.cpu_count()))
            bandwidth = max(v["read_gb_s_best"] for v in roof["bandwidth"].values())
            peak = max(v["gflops_best"] for k, v in roof["gemm"].items() if "bf16" in k or "bfloat16" in k)
            self.roof = (bandwidth, peak)
        return self.roof

    def pairs(self, side, count):
        folder = os.path.join(self.folder, f"pairs{side}")
        path = os.path.join(folder, "pairs.jsonl")
        if not os.path.exists(path):
            os.makedirs(folder)
            with open(path, "w") as f:
                for i in range(count):
                    media = [f"{i}_{k}.png" for k in range(2)]
                    for k, name in enumerate(media):
                        write_png(os.path.join(folder, name), side, 2 * i + k + 1)
                    f.write(json.dumps({"id": f"p{i}", "prompt": "a small red house by the lake", "media": media, "target": {"pair": 1.0}}) + "\n")
        return path

    def grpo(self, side, steps, group=GROUP, new=NEW):
        """Steps of `train grpo` after the first, one prompt with two pictures each: their metrics."""
        reward = os.path.join(self.folder, "reward.py")
        with open(reward, "w") as f:
            f.write("import sys, json\nfor line in sys.stdin: print(sum(map(ord, json.loads(line)['completion'][::7])) % 97 / 97)\n")
        out = tempfile.mkdtemp(dir=self.folder)
        run([self.program, "train", "grpo", "--model", self.small(), "--data", self.pairs(side, 8), "--output-dir", out, "--bf16", "--num-generations",
             group, "--per-device-train-batch-size", group, "--max-completion-length", new, "--max-steps", steps, "--logging-steps", 1, "--save-steps", 10**6,
             "--eval-steps", 0, "--reward-funcs", "format", "--no-gate-on-format", "--reward-command", f"{sys.executable} {reward}", "--learning-rate", 1e-6, "--quiet"])
        with open(os.path.join(out, "metrics.jsonl")) as f:
            return [json.loads(line) for line in f][1:]

    @staticmethod
    def block_weights(c):
        """Weights of the decoder's layers."""
        d, inner, layers, heads, kv = (c[k] for k in ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"])
        return layers * (d * d * 2 + 2 * d * d * kv // heads + 3 * d * inner)

    def step_limit(self, prompt_tokens):
        """Seconds of one step at the machine's limits: weights read once per decoded token, every product at matrix peak. The vision tower and
        attention are left out, so it is a lower bound."""
        c, (bandwidth, peak) = self.small_config, self.limits()
        block, head = self.block_weights(c), c["hidden_size"] * c["vocab_size"]
        decode = NEW * 2e-9 * (block + head) / bandwidth
        tokens = prompt_tokens + GROUP * NEW
        return decode + 2e-9 * block * prompt_tokens / peak + 6e-9 * (block * tokens + head * GROUP * NEW) / peak

    # ---- rows

    def P1(self):
        if not self.peers:
            return
        side = 224 if self.args.quick else 512
        self.small()
        rolls = [m["time/rollout"] for m in self.grpo(side, 3)]
        peer = self.peer("bench_generate.py", "--ckpt", self.small(), "--dtype", "bf16", "--img", side, "--group", GROUP, "--new", NEW, "--repeat", 1)
        rolls += [m["time/rollout"] for m in self.grpo(side, 2)]
        ours = statistics.median(rolls)
        for total, name in [("generate_total_s", "HF generate"), ("shared_total_s", "HF, prompt shared by hand")]:
            self.add("P1", f"group rollout, 100.8 M, 2 x {side} px, G {GROUP}, {NEW} tokens", ours, "s", peer["median"][total], name)

    def P2(self):
        if not self.peers:
            return
        for side in [224] if self.args.quick else [224, 448]:
            steps = ["--steps", 1, "--warmup", 1] if self.args.quick else ["--steps", 3, "--warmup", 1]
            common = ["--ckpt", self.small(), "--dtype", "bf16", "--img", side, *steps]
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
        self.add("P3", "the listener's share of a step, embedded judge (goal 0.15)", share, "of the step")

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
        bandwidth, peak = self.limits()
        new = 32 if self.args.quick else NEW
        for name, bits, head_bits, theirs in [("bf16", 16, 16, "bf16"), ("int8", 8.5, 8.5, "q8_0"), ("int4", 4.5, 8.5, "q4_0")]:
            self.say(name)
            out = json.loads(run([self.program, "bench", "--model", path, "--quantize", "none" if bits == 16 else name, "--repeat", 1 if self.args.quick else 2,
                                  "--max-completion-length", new, "--num-generations", f"1,{GROUP}", "--quiet", "--json"]))
            rss, prompt = out["peak_rss_gb"], out["prompt_tokens"]
            llama = self.llama(path, theirs, prompt, new) if self.llama_there else None
            speed = llama["runs"][theirs] if llama else {}
            per_token = (block * bits + c["hidden_size"] * c["vocab_size"] * head_bits) / 8e9  # GB
            one, group = out["runs"]
            def add(row, case, ours, unit, theirs, share=None):
                self.add(row, f"{case}, 3B {name}", ours, unit, theirs, "llama.cpp" if theirs else None, limit_share=share, peak_rss_gb=rss)
            add("P4", "decoding, one stream", one["tokens_per_second"], "tokens/s", speed.get("tokens_per_second"), one["tokens_per_second"] * per_token / bandwidth)
            add("P4", f"decoding, G {GROUP}", group["tokens_per_second"], "tokens/s", speed.get("group_tokens_per_second"),
                group["tokens_per_second"] / GROUP * per_token / bandwidth)
            # Theirs: two pictures through the encoder, and the prompt's tokens.
            prefill = llama and 2 * llama["picture_s"] + prompt / speed["prompt_tokens_per_second"]
            first = one["first_token_s"]
            add("P5", "prompt of two pictures of 512 px", first, "s", prefill, self.prompt_limit(c, block, prompt) / peak / first)
            rollout = group["first_token_s"] + GROUP * new / group["tokens_per_second"]
            add("P1", f"group rollout, 2 x 512 px, G {GROUP}, {new} tokens", rollout, "s", llama and prefill + GROUP * new / speed["group_tokens_per_second"])
            if name == "bf16" and not self.args.quick:
                hf = self.peer("bench_generate.py", "--ckpt", path, "--dtype", "bf16", "--img", 512, "--group", GROUP, "--new", new, "--repeat", 1)["median"]
                for total, peer in [("generate_total_s", "HF generate"), ("shared_total_s", "HF, prompt shared by hand")]:
                    self.add("P1", f"group rollout, 2 x 512 px, G {GROUP}, {new} tokens, 3B bf16", rollout, "s", hf[total], peer, peak_rss_gb=rss)
            self.add("P4", f"loading, 3B {name}", out["load_s"], "s", peak_rss_gb=rss)

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
                self.add("P9", f"comparisons to order {n} (tau {tau} to the order of all pairs)", float(comparisons), "pairs", n * (n - 1) / 2, "all pairs")

    def P10(self):
        steps_of = {1: [], 2: []}  # metrics of rank 0, by number of ranks
        for ranks, steps in [(1, 2), (2, 1)] * (1 if self.args.quick else 3):
            out, port = tempfile.mkdtemp(dir=self.folder), 20000 + os.getpid() % 20000 + ranks
            args = [self.program, "train", "grpo", "--config", os.path.join(ROOT, "recipes/soft.toml"), "--gradient-accumulation-steps", steps, "--max-steps", 5,
                    "--warmup-steps", 1, "--logging-steps", 1, "--eval-steps", 0, "--output-dir", out, "--quiet"]
            processes = [subprocess.Popen([str(a) for a in args], cwd=ROOT, stdout=subprocess.DEVNULL, env={
                **os.environ, "RANK": str(r), "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"})
                for r in range(ranks)]
            if any(p.wait() for p in processes):
                raise SystemExit("P10: a rank failed")
            with open(os.path.join(out, "metrics.jsonl")) as f:
                steps_of[ranks].extend(json.loads(line) for line in list(f)[1:])
        middle = lambda ranks, name: statistics.median(step[name] for step in steps_of[ranks])
        self.add("P10", "GRPO step of two ranks, a thread each, embedded judge", middle(2, "step_time"), "s", middle(1, "step_time"), "one rank")
        self.add("P10", "of it waiting for gradients and parameters", middle(2, "time/exchange"), "s")
        self.add("P10", "exchange during which a rank did not wait", middle(2, "exchange/hidden"), "share")
        self.add("P10", "largest difference of a loss to one rank's", max(abs(a["loss"] - b["loss"]) for a, b in zip(*steps_of.values())), "nats")

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


ROWS = ["kernels", "P1", "P2", "P3", "P6", "P7", "P9", "P10", "P11"]
LARGE = ["P4"]  # only when named
SLOW = ["kernels", "P1"]  # with --quick only when named
FEATURES = ["avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"]


def number(value):
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def show(table):
    lines = [["row", "case", "ours", "peer", "", "ratio", "limit", "of the limit", "memory"]]
    for r in table:
        lines.append([r["row"], r["case"], f"{number(r['ours'])} {r['unit']}", number(r["peer"]), r["peer_name"] or "",
                      f"{r['ratio']:.1f}x" if r["ratio"] else "", number(r["limit"]), f"{r['limit_share']:.0%}" if r["limit_share"] else "",
                      f"{r['peak_rss_gb']:.2f} GB" if r["peak_rss_gb"] else ""])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip())


def machine():
    with open("/proc/cpuinfo") as f:
        info = dict(line.split(":", 1) for line in f if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    has = [name for name in FEATURES if name in info.get("flags", "").split()]
    return " ".join([info.get("model name", platform.machine()), "x", str(os.cpu_count()), *has])


def key(r):
    return r["row"], r["case"], r["peer_name"]


def kept(path, table):
    """The rows of an earlier run that this one did not measure, and this one's."""
    if not os.path.exists(path):
        return table
    with open(path) as f:
        before = json.load(f)
    rows = before["rows"] if isinstance(before, dict) else before
    now = {key(r) for r in table}
    return [r for r in rows if key(r) not in now] + table


def compare(table, path, threshold):
    """Warns where a ratio fell by more than the threshold, which is wide: machines are noisy."""
    with open(path) as f:
        before = {key(r): r["ratio"] for r in json.load(f)["rows"]}
    for r in table:
        old = before.get(key(r))
        if old and r["ratio"] and r["ratio"] < old * (1 - threshold):
            print(f"slower than the baseline: {r['row']} {r['case']}: {r['ratio']:.2f}x, was {old:.2f}x")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--quick", action="store_true", help="fewer repeats, small sizes: under three minutes")
    a.add_argument("--rows", help="some of " + ", ".join(ROWS) + "; P4 (with P5) at full size only when named; with --quick also " + " and ".join(SLOW))
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("--peers", default=os.path.join(ROOT, ".venv-peers/bin/python"), help="a Python with the packages of tools/peers/requirements.txt")
    a.add_argument("--work", help="where large checkpoints are kept between runs (20 GB for P4); otherwise they are made and removed")
    a.add_argument("--threshold", type=float, default=0.4, help="a ratio that fell by more than this share of the baseline's is told")
    a.add_argument("--save-baseline", action="store_true", help="keep this run in bench/baselines, by the kind of machine")
    args = a.parse_args()
    with tempfile.TemporaryDirectory(prefix="beholder-bench-") as folder:
        bench = Bench(args, folder)
        if not bench.peers:
            bench.say("no peers' Python: their columns stay empty (make peers)")
        usual = [row for row in ROWS if not (args.quick and row in SLOW)]
        for row in args.rows.split(",") if args.rows else usual:
            if row not in ROWS + LARGE:
                a.error(f"no row {row}; there are {', '.join(ROWS + LARGE)}")
            bench.say(f"{row} …")
            global peak_gb
            peak_gb, start = 0.0, time.monotonic()
            try:
                getattr(bench, row)()
                bench.say(f"{row} took {time.monotonic() - start:.0f} s")
            except subprocess.CalledProcessError as e:
                raise SystemExit(f"{row}: {' '.join(e.cmd)[:300]} ended with {e.returncode}:\n{e.stderr.decode()[-2000:]}")
    result, rows = os.path.join(args.build, "bench.json"), bench.table
    everything = kept(result, rows)
    with open(result, "w") as f:
        json.dump(everything, f, indent=1)
    show(rows)
    baseline = os.path.join(ROOT, "bench/baselines", re.sub(r"[^A-Za-z0-9_]+", "-", machine()).strip("-") + ".json")
    if os.path.exists(baseline):
        compare(rows, baseline, args.threshold)
    if args.save_baseline:
        os.makedirs(os.path.dirname(baseline), exist_ok=True)
        record = {"machine": machine(), "time": time.strftime("%Y-%m-%d"), "quick": args.quick, "rows": everything}
        with open(baseline, "w") as f:
            json.dump(record, f, indent=1)


if __name__ == "__main__":
    main()
