"""Writes the fixtures of src/hf's tests into tests/data/hf with safetensors, tokenizers and transformers.

  python tools/oracle_hf.py safetensors
  python tools/oracle_hf.py configs --checkpoint tiny=DIR --checkpoint tiny_untied=DIR ... [--suffix nested]

Each part notes the versions that wrote it. `configs` re-saves each checkpoint's config.json as the installed
transformers writes it, beside the published flat layout.
"""
import argparse
import json
import os
import platform

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data", "hf")


def write_json(name, value, **kw):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=True, **(kw or {"indent": 1}))
        f.write("\n")


def versions(*names):
    import importlib.metadata as m

    return {"python": platform.python_version(), **{n: m.version(n) for n in names}}


def write_safetensors(_):
    """One tensor per dtype, a scalar and an empty one; the expected bytes as hex."""
    import torch
    from safetensors.torch import save_file

    g = torch.Generator().manual_seed(0)
    r = lambda *s: torch.randn(*s, generator=g)
    t = {
        "f32": r(2, 3), "f16": r(3).half(), "bf16": r(2, 2).bfloat16(), "f64": r(1, 2).double(),
        "i64": torch.tensor([-1, 2**40]), "i32": torch.tensor([[7], [-8]], dtype=torch.int32), "i16": torch.tensor([-300], dtype=torch.int16),
        "u16": torch.tensor([65535], dtype=torch.uint16), "u32": torch.tensor([2**32 - 1], dtype=torch.uint32),
        "u64": torch.tensor([2**63 - 1], dtype=torch.uint64), "i8": torch.tensor([-5, 6], dtype=torch.int8),
        "u8": torch.tensor([200], dtype=torch.uint8), "flag": torch.tensor([True, False, True]),
        "e5m2": torch.tensor([1.5, -2.0]).to(torch.float8_e5m2), "e4m3": torch.tensor([0.5, 3.0]).to(torch.float8_e4m3fn),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "name with \u00e9 and \"quotes\"": r(1),
    }
    save_file(t, os.path.join(OUT, "mixed.safetensors"), metadata={"format": "pt"})
    rows = {k: {"shape": list(v.shape), "hex": v.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex()} for k, v in t.items()}
    write_json("mixed.json", {"versions": versions("torch", "safetensors"), "tensors": rows})


def write_configs(a):
    from transformers import AutoConfig

    os.makedirs(os.path.join(OUT, "configs"), exist_ok=True)
    for item in a.checkpoint:
        name, path = item.split("=", 1)
        with open(os.path.join(path, "config.json")) as f:
            write_json(f"configs/{name}.flat.json", json.load(f))
        config = AutoConfig.from_pretrained(path, local_files_only=True)
        config.save_pretrained(os.path.join(OUT, "configs", "saved"))
        saved = os.path.join(OUT, "configs", "saved", "config.json")
        os.replace(saved, os.path.join(OUT, "configs", f"{name}.{a.suffix}.json"))
        os.rmdir(os.path.dirname(saved))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(required=True)
    sub.add_parser("safetensors").set_defaults(run=write_safetensors)
    p = sub.add_parser("configs")
    p.add_argument("--checkpoint", action="append", default=[], metavar="NAME=DIR")
    p.add_argument("--suffix", default="nested")
    p.set_defaults(run=write_configs)
    a = ap.parse_args()
    os.makedirs(OUT, exist_ok=True)
    a.run(a)


if __name__ == "__main__":
    main()
