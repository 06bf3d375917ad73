"""Golden values for the losses, advantages and weights of GRPO: padded tensors and loops, written from the papers' formulas
(GRPO 2402.03300, Dr. GRPO 2503.20783, DAPO 2503.14476, CISPO 2506.13585, SAPO 2511.20347, GSPO 2507.18071, GDPO 2601.05242),
sharing nothing with the program. Writes tests/data/train/grpo.json; needs torch only.
"""
import itertools
import json
import math
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/train/grpo.json"


def advantages(rewards, group, weights, scale, aggregation):
    """Lists of floats or None in, list of floats out."""
    std = lambda v: math.sqrt(sum((x - sum(v) / len(v)) ** 2 for x in v) / (len(v) - 1)) if len(v) > 1 else 0.0
    present = lambda v: [x for x in v if x is not None]
    total = lambda row: sum(w * x for w, x in zip(weights, row) if x is not None) if present(row) else None
    n = len(rewards)
    if aggregation == "normalize_then_sum":
        z = [[None] * len(weights) for _ in range(n)]
        for start in range(0, n, group):
            for k in range(len(weights)):
                column = present([rewards[start + g][k] for g in range(group)])
                for g in range(group):
                    value = rewards[start + g][k]
                    if value is not None:
                        z[start + g][k] = (value - sum(column) / len(column)) / (std(column) + 1e-4)
        sums = [total(row) for row in z]
        have = present(sums)
        return [0.0 if s is None else (s - sum(have) / len(have)) / (std(have) + 1e-4) for s in sums]
    sums = [total(row) for row in rewards]
    out = []
    for start in range(0, n, group):
        mine = present(sums[start:start + group])
        for s in sums[start:start + group]:
            if s is None:
                out.append(0.0)
                continue
            centred = s - sum(mine) / len(mine)
            divisor = {"none": None, "group": std(mine), "batch": std(present(sums))}[scale]
            out.append(centred if divisor is None else centred / (divisor + 1e-4))
    return out


def loss(case, logp):
    """logp: list of 1-d tensors, one per completion."""
    kind, eps, high, beta = case["loss_type"], case["epsilon"], case["epsilon_high"], case["beta"]
    per_completion = []
    for i, lp in enumerate(logp):
        old, ref = torch.tensor(case["old_logp"][i], dtype=torch.float64), torch.tensor(case["ref_logp"][i], dtype=torch.float64)
        a = case["advantage"][i]
        ratio = lp - old
        if case["importance_sampling_level"] == "sequence":
            ratio = ratio.mean() * torch.ones_like(ratio)
        ratio = ratio.exp()
        if kind == "cispo":
            l = -torch.minimum(ratio.detach(), torch.tensor(high, dtype=torch.float64)) * a * lp
        elif kind == "sapo":
            tau = 1.0 if a > 0 else 1.05
            l = -(4 / tau) * torch.sigmoid(tau * (ratio - 1)) * a
        else:
            l = -torch.min(ratio * a, ratio.clamp(1 - eps, 1 + high) * a)
        d = ref - lp
        l = l + beta * (d.exp() - d - 1)
        per_completion.append(torch.zeros_like(l) if case["masked"][i] else l)
    lengths = [0 if m else len(l) for m, l in zip(case["masked"], logp)]
    batch = len(logp)
    if kind in ("grpo", "sapo"):
        return sum(l.sum() / max(1, n) for l, n in zip(per_completion, lengths)) / batch
    if kind == "dr_grpo":
        return sum(l.sum() for l in per_completion) / (batch * case["max_completion_length"])
    if kind == "bnpo":
        size, parts = batch // case["micro_batches"], []
        for m in range(case["micro_batches"]):
            mine = range(m * size, (m + 1) * size)
            parts.append(sum(per_completion[i].sum() for i in mine) / max(1, sum(lengths[i] for i in mine)))
        return sum(parts) / case["micro_batches"]
    return sum(l.sum() for l in per_completion) / max(1, sum(lengths))  # dapo, cispo


def loss_cases():
    generator = torch.Generator().manual_seed(7)
    draw = lambda n, scale: (torch.randn(n, generator=generator, dtype=torch.float64) * scale).tolist()
    cases = []
    for kind, level in itertools.product(["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo"], ["token", "sequence"]):
        for lengths, masked, beta in [([5, 1, 3, 7], [False] * 4, 0.0), ([4, 8, 1, 1], [False, True, False, False], 0.04),
                                      ([1, 1], [False, False], 0.0), ([3, 2], [True, True], 0.1)]:
            logp = [[-abs(x) for x in draw(n, 1.0)] for n in lengths]
            near = lambda scale: [[x + e for x, e in zip(row, draw(len(row), scale))] for row in logp]
            case = dict(loss_type=kind, importance_sampling_level=level, epsilon=0.2, epsilon_high=1.4 if kind == "cispo" else 0.28,
                        beta=beta, max_completion_length=8, micro_batches=2, masked=masked, logp=logp, old_logp=near(0.3),
                        ref_logp=near(0.5), advantage=draw(len(lengths), 1.0))
            leaves = [torch.tensor(row, dtype=torch.float64, requires_grad=True) for row in logp]
            value = loss(case, leaves)
            if value.requires_grad:
                value.backward()
            case.update(loss=value.item(), gradient=[torch.zeros_like(x).tolist() if x.grad is None else x.grad.tolist() for x in leaves])
            cases.append(case)
    return cases


def advantage_cases():
    groups = {
        "mixed": ([[1, 0.3], [1, 0.9], [0, 0], [1, 0.5], [1, 1.0], [1, 0.2], [1, 0.2], [0, 0.0]], 4),
        "equal": ([[1, 1]] * 4, 2),
        "pair": ([[1, 0.25], [0, 0.75]], 2),
        "missing": ([[1, None], [None, None], [0, 0.5], [1, 0.75]], 4),
    }
    cases = []
    for (name, (rewards, group)), scale, aggregation in itertools.product(
            groups.items(), ["group", "batch", "none"], ["sum_then_normalize", "normalize_then_sum"]):
        weights = [1.0, 0.5]
        cases.append(dict(name=name, rewards=rewards, group=group, weights=weights, scale_rewards=scale,
                          multi_objective_aggregation=aggregation, advantage=advantages(rewards, group, weights, scale, aggregation)))
    return cases


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"torch": torch.__version__, "losses": loss_cases(), "advantages": advantage_cases()}, indent=None) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")
