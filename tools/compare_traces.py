#!/usr/bin/env python3
"""How far the logits of two dumps of `beholder trace` (or tools/peers/oracle.py) lie apart, case by case.

  beholder trace --model DIR --cases cases/cases.json --dump whole
  beholder trace --model DIR --cases cases/cases.json --dump rounded --quantize int4
  .venv-peers/bin/python tools/compare_traces.py whole rounded

error: norm of the difference by the deviation of the first's logits (per token about their mean, so that a shift of all counts nothing);
top-1: share of tokens whose likeliest next token is the same; KL: of the first's next-token distribution to the second's, nats a token.
"""
import os
import sys

import torch
from safetensors.torch import load_file


def centred(logits):
    return logits - logits.mean(-1, keepdim=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    first, second = sys.argv[1:]
    names = sorted(set(os.listdir(first)) & set(os.listdir(second)))
    if not names:
        sys.exit(f"{first} and {second} have no case in common")
    print(f"{'case':24} {'tokens':>7} {'error':>8} {'top-1':>7} {'KL':>9}")
    for name in names:
        a, b = (load_file(os.path.join(folder, name))["logits"].double().flatten(0, -2) for folder in (first, second))
        error = (centred(a) - centred(b)).norm() / centred(a).norm()
        same = (a.argmax(-1) == b.argmax(-1)).double().mean()
        p, q = a.log_softmax(-1), b.log_softmax(-1)
        kl = (p.exp() * (p - q)).sum(-1).mean()
        print(f"{name.removesuffix('.safetensors'):24} {len(a):7} {error:8.4f} {same:7.3f} {kl:9.5f}")


if __name__ == "__main__":
    main()
