"""Regenerates tests/data/vlm: tiny random checkpoints, cases and what transformers computes for them.

  python tools/oracle_vlm.py [name …]      # needs tools/peers/requirements.txt; with names only these checkpoints' fixtures are made
                                           # again, "embedded" being the judge in models/embedded, after training it

Runs tools/peers/{make_checkpoint,oracle}.py, then keeps per case: ids, positions, grids, SHA-256 of the pixel values, and rows
of features and logits; plus the gradient of a next-token loss for every parameter of two checkpoints.
The embedded judge (models/embedded) is held to transformers in the same way, on a few of the cases.
"""
import hashlib, json, os, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")
OUT = os.path.join(HERE, "..", "tests", "data", "vlm")
sys.path.insert(0, PEERS)
import torch
from common import environment, load_model, load_processor, write_json
from safetensors.torch import load_file, save_file

PRESETS = ["tiny", "tiny_untied", "tiny_qwen2vl", "tiny_qwen3vl"]
EMBEDDED = os.path.join(HERE, "..", "models", "embedded")  # the judge that ships, in transformers too
CASES = {"tiny_qwen3vl": ["text_only", "wide_300x200", "tall_57x431", "rgba_150x130", "pair_mixed", "three_images", "video_even_4",
                          "video_odd_5_fps1", "video_two", "image_and_video", "multi_turn_system"]}  # else all
EMBEDDED_CASES = ["pair_mixed", "three_images", "multi_turn_system"]
GRADIENT_CASES = {p: ["image_and_video"] for p in ("tiny", "tiny_qwen2vl", "tiny_qwen3vl")}
GRADIENT_ENTRIES = 512  # kept per parameter, evenly spread over its flat view, beside its norm
EXACT = ["input_ids", "position_ids", "image_grid_thw", "video_grid_thw", "second_per_grid_ts", "greedy_ids", "greedy_gap"]


def some_rows(x, n):
    """At most n rows, evenly spread, always with the last one; and their numbers."""
    step = max(1, (len(x) + n - 1) // n)
    rows = sorted(set(range(0, len(x), step)) | {len(x) - 1})
    return x[rows].contiguous(), torch.tensor(rows)


def reduce(dump, preset, name):
    t = load_file(os.path.join(dump, name + ".safetensors"))
    kept, info = {k: t[k] for k in EXACT if k in t}, {"name": name, "logit_std": float(t["logits"].std())}
    deepstack = [(k, 6) for k in sorted(t) if k.startswith("deepstack_")]
    for key, n in [("vision_image", 12), ("vision_video", 12), ("logits", 5)] + deepstack:
        if key in t:
            kept[key], kept[key + "_rows"] = some_rows(t[key], n)
    for key in ("pixel_values", "pixel_values_videos"):
        if key in t:
            info[key + "_sha256"] = hashlib.sha256(t[key].numpy().tobytes()).hexdigest()
    save_file(kept, os.path.join(OUT, preset, name + ".safetensors"))
    return info


def gradients(preset, name, root):
    """d/dW of the mean next-token cross-entropy over the text tokens of a case, for every parameter, by Hub name."""
    from PIL import Image

    ckpt = os.path.join(OUT, preset)
    case = next(c for c in json.load(open(os.path.join(root, "cases.json"))) if c["name"] == name)
    proc, model = load_processor(ckpt), load_model(ckpt, torch.float32, "eager")
    images, videos, fps = [], [], []
    for m in case["messages"]:
        for c in m["content"]:
            if c["type"] == "image":
                images.append(Image.open(os.path.join(root, c["path"])))
            elif c["type"] == "video":
                videos.append([Image.open(os.path.join(root, p)) for p in c["frames"]])
                fps.append(c["fps"])
    prompt = proc.apply_chat_template(case["messages"], tokenize=False, add_generation_prompt=True)
    enc = proc(text=[prompt], images=images or None, videos=videos or None, return_tensors="pt", **({"fps": fps[0]} if fps else {}))
    enc = {k: v for k, v in enc.items() if k != "second_per_grid_ts" or model.config.model_type == "qwen2_5_vl"}
    logits = model(**enc, use_cache=False).logits[0].float()
    ids = enc["input_ids"][0]
    pads = torch.isin(ids, torch.tensor([model.config.image_token_id, model.config.video_token_id]))
    keep = ~pads[1:]
    loss = torch.nn.functional.cross_entropy(logits[:-1][keep], ids[1:][keep])
    loss.backward()
    out = {}
    for n, p in model.named_parameters():
        n = n.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        flat = p.grad.flatten()
        out[n] = flat[:: max(1, len(flat) // GRADIENT_ENTRIES)].contiguous()
        out[n + ".norm"] = flat.norm()
    save_file(out, os.path.join(ckpt, f"{name}.gradients.safetensors"), metadata={"loss": repr(loss.item())})
    return loss.item()


def run(*args):
    subprocess.run([sys.executable, *args], check=True, cwd=PEERS, stdout=subprocess.DEVNULL)


def tiny_presets(cases, names):
    presets = {}
    for preset in names:
        with tempfile.TemporaryDirectory() as tmp:
            ckpt = os.path.join(OUT, preset)
            run("make_checkpoint.py", "--preset", preset, "--dir", ckpt, "--out", os.path.join(tmp, "made.json"))
            run("oracle.py", "--ckpt", ckpt, "--cases", os.path.join(cases, "cases.json"), "--dump", tmp, "--out", os.path.join(tmp, "s.json"))
            names = CASES.get(preset) or [c["name"] for c in json.load(open(os.path.join(cases, "cases.json")))]
            entry = {"cases": [reduce(tmp, preset, n) for n in names]}
        entry["gradients"] = {n: gradients(preset, n, cases) for n in GRADIENT_CASES.get(preset, [])}
        for extra in ("vocab.json", "merges.txt", "chat_template.json"):
            os.remove(os.path.join(ckpt, extra))
        presets[preset] = entry
    return presets


def embedded(cases):
    os.makedirs(os.path.join(OUT, "embedded"), exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        run("oracle.py", "--ckpt", os.path.abspath(EMBEDDED), "--cases", os.path.join(cases, "cases.json"), "--dump", tmp, "--out", os.path.join(tmp, "s.json"))
        return {"cases": [reduce(tmp, "embedded", n) for n in EMBEDDED_CASES]}


def main():
    cases, path = os.path.join(OUT, "cases"), os.path.join(OUT, "summary.json")
    only = sys.argv[1:]
    if only:
        summary = json.load(open(path))
        summary["presets"].update(tiny_presets(cases, [n for n in only if n != "embedded"]))
    else:
        shutil.rmtree(OUT, ignore_errors=True)
        os.makedirs(OUT)
        run("oracle.py", "--make-cases", cases, "--out", os.path.join(OUT, "made.json"))
        os.remove(os.path.join(OUT, "made.json"))
        summary = {"env": environment(), "tolerance": {"logits": "2e-4 of their standard deviation", "gradient": 1e-3}, "presets": tiny_presets(cases, PRESETS)}
    if not only or "embedded" in only:
        summary["presets"]["embedded"] = embedded(cases)
    write_json(path, summary)
    if not only or "tiny" in only:  # the adapter stands on the checkpoints made here
        subprocess.run([sys.executable, os.path.join(HERE, "oracle_peft.py")], check=True)


if __name__ == "__main__":
    main()
