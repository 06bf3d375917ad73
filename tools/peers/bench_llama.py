"""llama.cpp on a checkpoint of ours: one stream, a group that shares its prompt, a prompt, and one picture through its image encoder.

  python bench_llama.py --ckpt CKPT --llama .venv-peers/llama --work DIR --out r.json [--types bf16,q8_0,q4_0 --prompt-tokens 768 --group 8 --new 128]

tools/peers/build_llama.sh builds it. The GGUF files are made once, in --work. The converter knows no pre-tokenizer of a vocabulary that was
trained here, so it is told "qwen2", whose regex the tokenizer has; it asks for sentencepiece first, which no Qwen has.
"""
import argparse, json, os, re, runpy, subprocess, sys, tempfile


def convert(llama, arguments):
    sys.path[:0] = [llama, llama + "/gguf-py"]
    from conversion import base

    def no_sentencepiece(self):
        raise FileNotFoundError

    base.TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
    base.TextModel._create_vocab_sentencepiece = no_sentencepiece
    sys.argv = ["convert_hf_to_gguf.py", *arguments]
    runpy.run_path(llama + "/convert_hf_to_gguf.py", run_name="__main__")


def run(args):
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, args))}\nended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return done.stdout.decode(), done.stderr.decode()


def gguf(a, kind):
    path = os.path.join(a.work, kind + ".gguf")
    if os.path.exists(path):
        return path
    made = path + ".part"
    if kind in ("bf16", "mmproj"):
        more = ["--mmproj", "--outtype", "f16"] if kind == "mmproj" else ["--outtype", "bf16"]
        run([sys.executable, __file__, "--convert", a.llama, a.ckpt, *more, "--outfile", made])
    else:
        run([a.llama + "/build/bin/llama-quantize", gguf(a, "bf16"), made, kind, a.threads])
    os.rename(made, path)
    return path


def speed(a, model):
    """Tokens a second: of a prompt, of one stream behind it, and of a group in sum."""
    tool = a.llama + "/build/bin/"
    rows = []
    for what in [["-p", a.prompt_tokens, "-n", 0], ["-p", 0, "-n", a.new, "-d", a.prompt_tokens]]:
        rows += json.loads(run([tool + "llama-bench", "-m", model, *what, "-t", a.threads, "-r", a.repeat, "-o", "json"])[0])
    out = {("prompt_tokens_per_second" if r["n_prompt"] else "tokens_per_second"): r["avg_ts"] for r in rows}
    text = run([tool + "llama-batched-bench", "-m", model, "-c", a.prompt_tokens + a.group * (a.new + 8), "-npp", a.prompt_tokens, "-ntg", a.new, "-npl", a.group,
                "-pps", "-kvu", "-t", a.threads, "--output-format", "jsonl"])[0]
    row = json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
    return out | {"group_tokens_per_second": row["speed_tg"], "group_s": row["t"]}


def picture(a):
    """Seconds of one picture of --img px through the encoder, the second time it is done."""
    from PIL import Image

    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p.png")
        Image.fromarray(np.random.default_rng(1).integers(0, 255, (a.img, a.img, 3), dtype=np.uint8)).save(path)
        log = "".join(run([a.llama + "/build/bin/llama-mtmd-cli", "-m", gguf(a, "q4_0"), "--mmproj", gguf(a, "mmproj"), "--image", f"{path},{path}",
                           "-p", "Describe.", "-n", 1, "-t", a.threads, "--temp", 0])[::-1])
    times = [int(ms) / 1000 for ms in re.findall(r"encoding done in (\d+) ms", log)]
    if not times:
        raise SystemExit("llama-mtmd-cli told no time of the encoder:\n" + log[-2000:])
    return times[-1]


def main():
    if sys.argv[1:2] == ["--convert"]:
        return convert(sys.argv[2], sys.argv[3:])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ckpt", "llama", "work", "out"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--types", default="bf16,q8_0,q4_0")
    for name, value in (("prompt-tokens", 768), ("group", 8), ("new", 128), ("img", 512), ("repeat", 2), ("threads", os.cpu_count())):
        p.add_argument("--" + name, type=int, default=value)
    a = p.parse_args()
    a.llama = os.path.abspath(a.llama)
    os.makedirs(a.work, exist_ok=True)
    out = {"args": vars(a), "runs": {kind: speed(a, gguf(a, kind)) for kind in a.types.split(",")}, "picture_s": picture(a)}
    with open(a.out, "w") as f:
        json.dump(out, f, indent=1)


if __name__ == "__main__":
    main()
