#!/usr/bin/env python3
"""The learning curves of docs/methods from what `beholder experiment recipes/ablation.toml` left behind.

    tar -xJf results/ablation.tar.xz; tools/curves.py results/ablation [--out docs/images]

Writes soft-rewards-curve.svg, listener-curve.svg and grpo-curve.svg: a thin line per seed, a thick one for their mean; arms of one seed have
the thick line alone. Training figures are means over the updates since the last line of metrics.jsonl. Runs that have not finished are left
out; call it again when they have.
"""
import argparse, glob, json, os, re, sys

import lines_svg as draw
from results_table import folder_name

# An arm of the recipe: its name in the picture and its colour.
SOFT, SELECT = ("GRPO soft (brier)", "soft", "#1f4e79"), ("GRPO select", "select", "#c8553d")
# A panel: title, metric of metrics.jsonl, whether its axis begins at 0, metric of test.json to stand beside it.
ACCURACY, TRUTH = "accuracy", "true statements in thoughts"
FIGURES = {
    "soft-rewards-curve": {
        "arms": [SOFT, SELECT, ("soft, probability", "probability", "#588157"), ("soft, linear", "linear", "#b8860b"),
                 ("soft, sampled gradient", "sampled gradient", "#7b4fa3")],
        "panels": [("Brier score against the votes", "eval_brier", True, None), (ACCURACY, "eval_accuracy", False, None),
                   (TRUTH, "eval_thought_truth", False, None)],
        "x": "update (512 validation items)"},
    "listener-curve": {
        "arms": [SOFT, ("soft + listener 0.25", "listener of weight 0.25", "#b8860b"), ("soft + listener", "0.5", "#588157"),
                 ("soft + listener 1", "1", "#c8553d")],
        "panels": [("contradiction", "eval_contradiction", True, "contradiction"), (ACCURACY, "eval_accuracy", False, "verdict_accuracy"),
                   (TRUTH, "eval_thought_truth", False, "thought_truth")],
        "x": "update (512 validation items)"},
    "grpo-curve": {
        "arms": [SOFT, SELECT],
        "panels": [("mean reward, without that for the format", "rewards/*/mean", False, None),
                   ("share of flat groups", "frac_reward_zero_std", True, None), ("entropy, nats a token", "entropy", True, None)],
        "x": "update (training prompts)"},
}


def runs_of(folder, arm):
    """The finished runs of an arm: lines of metrics, and what was measured on `test`."""
    runs = []
    for seed in sorted(glob.glob(os.path.join(folder, folder_name(arm), "seed-*"))):
        if not os.path.exists(os.path.join(seed, "trained.json")):
            continue
        with open(os.path.join(seed, "train", "metrics.jsonl"), encoding="utf-8") as f:
            run = {"rows": [json.loads(row) for row in f], "test": {}}
        if os.path.exists(os.path.join(seed, "test.json")):
            with open(os.path.join(seed, "test.json"), encoding="utf-8") as f:
                run["test"] = json.load(f)
        runs.append(run)
    return runs


def curve(run, metric):
    """{update: value}; `*` in a metric's name stands for the reward that is not the format's."""
    named = re.compile(re.escape(metric).replace(r"\*", "(?!format)[a-z]+") + "$")
    return {row["step"]: v for row in run["rows"] for k, v in row.items() if named.match(k) and v is not None}


def mean(runs):
    return {x: sum(r[x] for r in runs) / len(runs) for x in runs[0] if all(x in r for r in runs)}


def panel(left, title, x_title, lines, dots, zero):
    """lines: [name, colour, [{update: value} per seed]]; dots: [name, colour, [value per seed]], in a column of their own."""
    values = [v for *_, seeds in lines for points in seeds for v in points.values()] + [v for *_, seeds in dots for v in seeds]
    steps = sorted({x for *_, seeds in lines for points in seeds for x in points})
    ticks = draw.round_ticks(0 if zero else min(values), max(values))
    px = lambda x: left + 6 + x / steps[-1] * (draw.WIDTH - (48 if dots else 12))
    py = lambda v: draw.TOP + draw.HEIGHT - (v - ticks[0]) / (ticks[-1] - ticks[0]) * draw.HEIGHT
    column, digits = left + draw.WIDTH - 14, max(len(f"{t:.6g}".partition(".")[2]) for t in ticks)
    few = len(steps) < 8
    below = [(px(t), f"{t:g}") for t in (steps if few else draw.round_ticks(0, steps[-1])) if t <= steps[-1]] + [(column, "test")] * bool(dots)
    out = draw.axes(left, x_title, title, below, [(py(t), f"{t:.{digits}f}") for t in ticks])
    for what, colour, seeds in reversed(lines):  # the first arm on top
        average = mean(seeds)
        if len(seeds) > 1:
            out += [draw.line([(px(x), py(v)) for x, v in sorted(points.items())], colour, 1, 0.45) for points in seeds]
        out.append(draw.line([(px(x), py(v)) for x, v in sorted(average.items())], colour, 2.5))
        out += [draw.dot(px(x), py(v), colour, f"{what}, update {x}: {v:.4g}") for x, v in average.items() if few]
    for what, colour, seeds in dots:
        out += [draw.dot(column, py(v), colour, f"{what}, test: {v:.4g}", 1.5) for v in seeds if len(seeds) > 1]
        out.append(draw.dot(column, py(sum(seeds) / len(seeds)), colour, f"{what}, test: {sum(seeds) / len(seeds):.4g}", 4))
    return out


def figure(folder, arms, panels, x):
    found = [(what, colour, runs) for arm, what, colour in arms for runs in [runs_of(folder, arm)] if runs]
    out, at, y = [], draw.left_of(0), 272
    for k, (title, metric, zero, test) in enumerate(panels):
        lines = [(what, colour, seeds) for what, colour, runs in found for seeds in [[c for c in (curve(r, metric) for r in runs) if c]] if seeds]
        dots = [(what, colour, [r["test"][test]["value"] for r in runs if test in r["test"]]) for what, colour, runs in found if test]
        out += panel(draw.left_of(k), title, x, lines, [d for d in dots if d[2]], zero)
    for what, colour, runs in found:  # names in rows below
        text = f"{what} ({len(runs)} seed{'s' if len(runs) > 1 else ''})"
        if at + 24 + 7 * len(text) > draw.left_of(len(panels)):
            at, y = draw.left_of(0), y + 18
        out += [draw.line([(at, y - 4), (at + 18, y - 4)], colour, 2.5), draw.name(at + 24, y, text, colour)]
        at += 44 + 7 * len(text)
    return draw.page("\n".join(out), len(panels), y + 14), [arm for arm, what, _ in arms if what not in [f[0] for f in found]]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder", help="output_dir of the experiment: ARM/seed-N/train/metrics.jsonl")
    a.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../docs/images"), help="folder of the pictures")
    args = a.parse_args()
    for name, what in FIGURES.items():
        if not runs_of(args.folder, what["arms"][0][0]):
            sys.exit(f"{args.folder} holds no finished run of {what['arms'][0][0]}: train it, or unpack results/ablation.tar.xz")
        picture, missing = figure(args.folder, **what)
        path = os.path.normpath(os.path.join(args.out, name + ".svg"))
        with open(path, "w", encoding="utf-8") as f:
            f.write(picture)
        print(path + (f"; not finished: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    main()
