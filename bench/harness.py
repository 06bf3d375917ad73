"""What the rows of bench/run.py and bench/cost.py stand on: programs run and timed with their memory, pictures and checkpoints made on the
spot, the machine's limits. Standard library only."""
import json, os, shutil, struct, subprocess, sys, tempfile, time, zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "tools/peers")
NEW = 128  # tokens of every completion
GROUP = 8
THREADS = len(os.sched_getaffinity(0))  # of ours and of the peers


peak_gb = 0.0  # resident, GiB, of the largest program of ours that ran since begin_row


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
            peak_gb = max(peak_gb, usage.ru_maxrss / 2**20)
        return out.read().decode()


def begin_row():
    global peak_gb
    peak_gb = 0.0


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
        self.work = getattr(args, "work", None) or folder
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
                           "limit_share": limit_share, "unit": unit, "peak_rss_gb": peak_rss_gb or peak_gb or None,
                           "measured": time.strftime("%Y-%m-%d")})

    def peer(self, script, *args):
        out = os.path.join(self.folder, "peer.json")
        run([self.peers, os.path.join(PEERS, script), *args, "--out", out], env={**os.environ, "OMP_NUM_THREADS": str(THREADS)})
        with open(out) as f:
            return json.load(f)

    def small(self, vocabulary=None):
        """A random checkpoint of 100.8 M weights, or with more or fewer rows in its embedding."""
        path = os.path.join(self.folder, f"small{vocabulary or ''}")
        if not os.path.exists(path):
            self.say(f"making a checkpoint of {'100.8 M weights' if not vocabulary else f'{vocabulary:,} tokens'}")
            self.peer("make_checkpoint.py", "--preset", "small", "--dir", path, *(["--vocab-size", vocabulary] if vocabulary else []))
        if not vocabulary:
            with open(os.path.join(path, "config.json")) as f:
                self.small_config = json.load(f)
        return path

    def limits(self):
        """(GB/s read, bf16 GFLOP/s), on all cores."""
        if self.roof is None:
            self.say("measuring the machine's limits")
            roof = self.peer("bench_roofline.py", "--threads", THREADS)
            bandwidth = max([v["read_gb_s_best"] for v in roof["bandwidth"].values()] + [v["weight_gb_s"] for v in roof["gemv"].values()])
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

    def grpo(self, side, steps, group=GROUP, new=NEW, prompts=1, vocabulary=None):
        """Steps of `train grpo` after the first, so many prompts with two pictures each: their metrics."""
        reward = os.path.join(self.folder, "reward.py")
        with open(reward, "w") as f:
            f.write("import sys, json\nfor line in sys.stdin: print(sum(map(ord, json.loads(line)['completion'][::7])) % 97 / 97)\n")
        out = tempfile.mkdtemp(dir=self.folder)
        run([self.program, "train", "grpo", "--model", self.small(vocabulary), "--data", self.pairs(side, 8), "--output-dir", out, "--bf16", "--num-generations",
             group, "--per-device-train-batch-size", group * prompts, "--max-completion-length", new, "--max-steps", steps, "--logging-steps", 1, "--save-steps", 10**6,
             "--eval-steps", 0, "--reward-funcs", "format", "--no-gate-on-format", "--reward-command", f"{sys.executable} {reward}", "--learning-rate", 1e-6, "--quiet"])
        with open(os.path.join(out, "metrics.jsonl")) as f:
            steps = [json.loads(line) for line in f][1:]
        shutil.rmtree(out)  # 1.6 GB of checkpoints
        return steps

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
