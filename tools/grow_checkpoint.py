#!/usr/bin/env python3
"""A deeper checkpoint that says what the given one says: after every decoder layer stands a copy of it whose outputs are zero, so that
training starts from the same judge with twice the layers (as in LLaMA Pro, 2401.02415, section 3).

    tools/grow_checkpoint.py FROM TO

FROM: a folder with config.json and one model.safetensors, Qwen2-VL or Qwen2.5-VL. The vision tower stays as it is."""
import json
import os
import re
import shutil
import struct
import sys

LAYER = re.compile(r"^(model\.(?:language_model\.)?layers\.)(\d+)(\..*)$")
SILENT = ("self_attn.o_proj.weight", "self_attn.o_proj.bias", "mlp.down_proj.weight", "mlp.down_proj.bias")


def read(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        data = f.read()
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])]) for name, t in header.items()}


def write(path, tensors):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            f.write(data)


def grown(tensors):
    out = {}
    for name, (dtype, shape, data) in tensors.items():
        layer = LAYER.match(name)
        if not layer:
            out[name] = (dtype, shape, data)
            continue
        before, number, rest = layer.groups()
        out[f"{before}{2 * int(number)}{rest}"] = (dtype, shape, data)
        out[f"{before}{2 * int(number) + 1}{rest}"] = (dtype, shape, bytes(len(data)) if rest[1:] in SILENT else data)
    return out


def main():
    if len(sys.argv) != 3 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    with open(os.path.join(source, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    if not config.get("model_type", "").startswith("qwen2"):
        sys.exit(f"{source}/config.json: model_type {config.get('model_type')!r} is neither qwen2_vl nor qwen2_5_vl")
    for part in (config, config.get("text_config", {})):
        for key in ("num_hidden_layers", "max_window_layers"):
            if key in part:
                part[key] *= 2
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("README.md", "model.safetensors", "config.json"))
    write(os.path.join(target, "model.safetensors"), grown(read(os.path.join(source, "model.safetensors"))))
    with open(os.path.join(target, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
