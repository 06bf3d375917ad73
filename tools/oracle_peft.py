"""Regenerates tests/data/vlm/adapter: a LoRA adapter that PEFT wrote over the tiny checkpoint, and the logits it gives.

  python tools/oracle_peft.py             # needs tools/peers/requirements.txt
  python tools/oracle_peft.py DIR OURS    # the other way: PEFT loads our adapter DIR; its logits against OURS, our trace dump

A and B are drawn at random; by the names, the adapter also changes the gate, up and down projections of the vision tower.
OURS is a folder of `beholder trace --model DIR --cases tests/data/vlm/cases/cases.json --dump OURS`.
"""
import json, os, shutil, sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "tests", "data", "vlm")
sys.path.insert(0, os.path.join(HERE, "peers"))
import torch
from common import environment, load_model, load_processor, write_json
from oracle_vlm import some_rows
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file

CASES = ["text_only", "pair_mixed", "image_and_video"]
OUT = os.path.join(DATA, "adapter")


@torch.no_grad()
def logits(model, proc, case):
    images, videos, fps = [], [], []
    for m in case["messages"]:
        for c in m["content"] if isinstance(m["content"], list) else []:
            if c["type"] == "image":
                images.append(Image.open(os.path.join(DATA, "cases", c["path"])))
            elif c["type"] == "video":
                videos.append([Image.open(os.path.join(DATA, "cases", p)) for p in c["frames"]])
                fps.append(c["fps"])
    text = proc.apply_chat_template(case["messages"], tokenize=False, add_generation_prompt=True)
    enc = proc(text=[text], images=images or None, videos=videos or None, return_tensors="pt", **({"fps": fps[0]} if fps else {}))
    return model(**enc, use_cache=False).logits[0].float()


def cases():
    all_cases = json.load(open(os.path.join(DATA, "cases", "cases.json")))
    return [next(c for c in all_cases if c["name"] == name) for name in CASES]


def write():
    shutil.rmtree(OUT, ignore_errors=True)
    base = os.path.join(DATA, "tiny")
    proc, model = load_processor(base), load_model(base, torch.float32, "eager")
    before = {c["name"]: logits(model, proc, c) for c in cases()}
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=names, task_type="CAUSAL_LM"))
    torch.manual_seed(1)
    for name, value in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(value, std=0.1)
    model.eval().save_pretrained(OUT)
    os.remove(os.path.join(OUT, "README.md"))
    path = os.path.join(OUT, "adapter_config.json")
    config = json.load(open(path))
    config["base_model_name_or_path"] = "../tiny"
    config["target_modules"] = names  # a set, in any order
    write_json(path, config)
    summary = {"env": environment(), "cases": []}
    for c in cases():
        out = logits(model, proc, c)
        rows, numbers = some_rows(out, 3)
        save_file({"logits": rows, "logits_rows": numbers}, os.path.join(OUT, c["name"] + ".logits.safetensors"))
        summary["cases"].append({"name": c["name"], "logit_std": float(out.std()), "moved_by": float((out - before[c["name"]]).abs().max())})
    write_json(os.path.join(OUT, "summary.json"), summary)


def compare(adapter, ours):
    base = json.load(open(os.path.join(adapter, "adapter_config.json")))["base_model_name_or_path"]
    proc, plain = load_processor(base), load_model(base, torch.float32, "eager")
    before = {c["name"]: logits(plain, proc, c) for c in cases()}
    model = PeftModel.from_pretrained(plain, adapter).eval()
    loaded = sum("lora_B" in n and bool(p.abs().sum() > 0) for n, p in model.named_parameters())
    print(f"{loaded} of {sum('lora_B' in n for n, _ in model.named_parameters())} B matrices hold something")
    for c in cases():
        theirs = logits(model, proc, c)
        mine = load_file(os.path.join(ours, c["name"] + ".safetensors"))["logits"]
        print(f"{c['name']}: largest difference {(mine - theirs).abs().max() / theirs.std():.2e} sd; the adapter moves logits by up to "
              f"{(theirs - before[c['name']]).abs().max() / theirs.std():.2f} sd")


if __name__ == "__main__":
    compare(*sys.argv[1:3]) if len(sys.argv) == 3 else write()
