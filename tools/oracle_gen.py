"""Writes the generator's oracle case: a tiny video generator's weights, an input, and what the network makes of it, in double precision.

    python tools/oracle_gen.py tests/data/gen

An own implementation of docs/methods/generator.md in PyTorch; it shares no code with src/gen. Needs torch and safetensors.
"""

import json
import math
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

CONFIG = {
    "architectures": ["BeholderFlowTransformer"], "model_type": "beholder_flow", "image_size": 8, "num_frames": 4, "fps": 4.0, "patch_size": 4,
    "temporal_patch": 2, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "pixel_channels": 5,
    "text_config": {"vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "max_length": 5, "end_token_id": 11},
}
D, INNER, LAYERS, HEADS, S, P, FRAMES, TP = 16, 24, 2, 2, 8, 4, 4, 2
E, TEXT_HEADS, LENGTH, VOCAB = 8, 2, 5, 12
VALUES, PIXEL = 3 * TP * P * P, 5


def draw_weights():
    g = torch.Generator().manual_seed(7)
    w = {}

    def add(name, *shape, scale=0.4, mean=0.0):
        w[name] = (mean + scale * torch.randn(*shape, generator=g, dtype=torch.float64)).float()

    def linear(name, inp, out):
        add(name + ".weight", out, inp, scale=inp ** -0.5)
        add(name + ".bias", out, scale=0.2)

    def attention(name, width, heads):
        linear(name + ".qkv", width, 3 * width)
        for norm in ("q_norm", "k_norm"):
            add(f"{name}.{norm}.weight", width // heads, scale=0.2, mean=1)
        linear(name + ".proj", width, width)

    def mlp(name, width, inner):
        linear(name + ".fc1", width, inner)
        linear(name + ".fc2", inner, width)

    add("text.embed_tokens.weight", VOCAB, E)
    add("text.positions.weight", LENGTH, E)
    for norm in ("norm1", "norm2"):
        add(f"text.blocks.0.{norm}.weight", E, scale=0.2, mean=1)
    attention("text.blocks.0.attn", E, TEXT_HEADS)
    mlp("text.blocks.0.mlp", E, 4 * E)
    add("text.norm.weight", E, scale=0.2, mean=1)
    linear("patch_embed", VALUES, D)
    for axis, n in (("t", FRAMES // TP), ("y", S // P), ("x", S // P)):
        add("positions." + axis, n, D)
    linear("time.fc1", 128, D)
    linear("time.fc2", D, D)
    linear("prompt", E, D)
    linear("modulation", D, 6 * D)
    for i in range(LAYERS):
        add(f"blocks.{i}.modulation", 6, D)
        attention(f"blocks.{i}.attn", D, HEADS)
        linear(f"blocks.{i}.attn.text_kv", E, 2 * D)
        mlp(f"blocks.{i}.mlp", D, INNER)
    linear("final.modulation", D, 2 * D)
    linear("final.proj", D, VALUES // 3 * PIXEL)
    for name, inp, out in (("pixels.conv1", PIXEL + 3, PIXEL), ("pixels.conv2", PIXEL, 3)):
        add(name + ".weight", out, inp, 3, 3, scale=(9 * inp) ** -0.5)
        add(name + ".bias", out, scale=0.2)
    return w


def rms(x, weight):
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight


def standard(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()


class Network:
    """One sample at a time, only its prompt's own tokens: nothing to mask."""

    def __init__(self, w):
        self.w = {k: v.double() for k, v in w.items()}

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def mlp(self, name, x):
        return self.linear(name + ".fc2", F.gelu(self.linear(name + ".fc1", x), approximate="tanh"))

    def convolution(self, name, x):  # [C, FRAMES, S, S]: one product per place of the 3x3 window
        w, padded = self.w[name + ".weight"], F.pad(x, (1, 1, 1, 1))
        parts = [torch.einsum("oi,ifyx->ofyx", w[:, :, a, b], padded[:, :, a : a + S, b : b + S]) for a in range(3) for b in range(3)]
        return sum(parts) + self.w[name + ".bias"].reshape(-1, 1, 1, 1)

    def attention(self, name, x, heads, extra=None):
        q, k, v = self.linear(name + ".qkv", x).chunk(3, -1)
        if extra is not None:
            more_k, more_v = self.linear(name + ".text_kv", extra).chunk(2, -1)
            k, v = torch.cat([k, more_k]), torch.cat([v, more_v])
        d = x.shape[1] // heads
        out = []
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            a = rms(q[:, part], self.w[name + ".q_norm.weight"]) @ rms(k[:, part], self.w[name + ".k_norm.weight"]).T / math.sqrt(d)
            out.append(a.softmax(-1) @ v[:, part])
        return self.linear(name + ".proj", torch.cat(out, -1))

    def text(self, ids):
        x = self.w["text.embed_tokens.weight"][ids] + self.w["text.positions.weight"][: len(ids)]
        x = x + self.attention("text.blocks.0.attn", rms(x, self.w["text.blocks.0.norm1.weight"]), TEXT_HEADS)
        x = x + self.mlp("text.blocks.0.mlp", rms(x, self.w["text.blocks.0.norm2.weight"]))
        return rms(x, self.w["text.norm.weight"])

    def __call__(self, picture, t, ids):  # [3, FRAMES, S, S]
        tokens = self.text(ids)
        frequencies = torch.tensor([10000 ** (-i / 64) for i in range(64)], dtype=torch.float64)
        times = torch.cat([(1000 * t * frequencies).cos(), (1000 * t * frequencies).sin()])
        condition = F.silu(self.linear("time.fc2", F.silu(self.linear("time.fc1", times))) + self.linear("prompt", tokens.mean(0)))
        shared = self.linear("modulation", condition).reshape(6, D)
        patches, positions = [], []
        for a in range(FRAMES // TP):
            for b in range(S // P):
                for c in range(S // P):
                    patches.append(picture[:, a * TP : (a + 1) * TP, b * P : (b + 1) * P, c * P : (c + 1) * P].reshape(-1))
                    positions.append(self.w["positions.t"][a] + self.w["positions.y"][b] + self.w["positions.x"][c])
        x = self.linear("patch_embed", torch.stack(patches)) + torch.stack(positions)
        for i in range(LAYERS):
            m = shared + self.w[f"blocks.{i}.modulation"]
            x = x + m[2] * self.attention(f"blocks.{i}.attn", standard(x) * (1 + m[1]) + m[0], HEADS, tokens)
            x = x + m[5] * self.mlp(f"blocks.{i}.mlp", standard(x) * (1 + m[4]) + m[3])
        shift, scale = self.linear("final.modulation", condition).chunk(2)
        x = self.linear("final.proj", standard(x) * (1 + scale) + shift)
        told, n = torch.empty(PIXEL, FRAMES, S, S, dtype=torch.float64), 0
        for a in range(FRAMES // TP):
            for b in range(S // P):
                for c in range(S // P):
                    told[:, a * TP : (a + 1) * TP, b * P : (b + 1) * P, c * P : (c + 1) * P] = x[n].reshape(PIXEL, TP, P, P)
                    n += 1
        drawn = F.gelu(self.convolution("pixels.conv1", torch.cat([told, picture])), approximate="tanh")
        return self.convolution("pixels.conv2", drawn)


def main(out):
    weights = draw_weights()
    g = torch.Generator().manual_seed(8)
    pictures = torch.randn(2, 3, FRAMES, S, S, generator=g, dtype=torch.float64).float()
    times = torch.tensor([0.25, 0.875])
    prompts = [[3, 1, 4, 11], [11]]  # the second is the empty one
    network = Network(weights)
    clean = torch.stack([network(pictures[i].double(), times[i].double(), prompts[i]) for i in range(2)])
    padded = torch.tensor([p + [11] * (LENGTH - len(p)) for p in prompts])
    save_file(weights, f"{out}/model.safetensors", metadata={"format": "pt"})
    save_file({"x": pictures, "t": times, "ids": padded, "lengths": torch.tensor([len(p) for p in prompts]), "clean": clean}, f"{out}/case.safetensors")
    with open(f"{out}/config.json", "w") as f:
        f.write(json.dumps(CONFIG, indent=1) + "\n")


main(sys.argv[1])
