"""The other way round: transformers loads a checkpoint that the program wrote, and gives the program's numbers.

  python tools/check_saved.py DIR OURS       # needs tools/peers/requirements.txt

DIR is a folder that `beholder train` left (final/), OURS a folder of
`beholder trace --model DIR --cases tests/data/vlm/cases/cases.json --dump OURS`. Every tensor that both sides name is compared: whole numbers
to equality, others to 2e-4 of their spread. No tensor of the model may be missing in DIR, and DIR may hold none that the model does not have.
"""
import os, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
import torch
from oracle_vlm import OUT, run
from safetensors.torch import load_file

TOLERANCE = 2e-4


def check_keys(folder):
    from transformers import AutoModelForImageTextToText

    _, info = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, local_files_only=True, output_loading_info=True)
    wrong = {k: v for k, v in info.items() if v and k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    assert not wrong, wrong


def check_case(name, ours, theirs):
    worst = {}
    for key in sorted(set(ours) & set(theirs)):
        a, b = ours[key], theirs[key]
        if a.shape != b.shape:
            sys.exit(f"{name}: {key} is {list(a.shape)} here and {list(b.shape)} there")
        if a.is_floating_point() and key != "greedy_gap":
            worst[key] = ((a - b).abs().max() / b.std().clamp_min(1e-9)).item()
        elif key in ("input_ids", "position_ids", "image_grid_thw", "video_grid_thw") and not torch.equal(a, b):
            sys.exit(f"{name}: {key} differs")
    assert "logits" in worst
    return worst


def main():
    folder, dump = map(os.path.abspath, sys.argv[1:3])
    check_keys(folder)
    with tempfile.TemporaryDirectory() as tmp:
        run("oracle.py", "--ckpt", folder, "--cases", os.path.abspath(os.path.join(OUT, "cases", "cases.json")), "--dump", tmp, "--out",
            os.path.join(tmp, "s.json"))
        failed = False
        for file in sorted(f for f in os.listdir(tmp) if f.endswith(".safetensors")):
            worst = check_case(file, load_file(os.path.join(dump, file)), load_file(os.path.join(tmp, file)))
            key = max(worst, key=worst.get)
            failed |= worst[key] > TOLERANCE
            print(f"{file[:-12]:22} {len(worst)} tensors, logits {worst['logits']:.1e}, worst {key} {worst[key]:.1e} of its spread")
    sys.exit("over the tolerance" if failed else 0)


if __name__ == "__main__":
    main()
