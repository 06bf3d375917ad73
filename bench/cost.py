#!/usr/bin/env python3
"""What a step costs by the size of its pictures, the group, the length of completions, the batch and the vocabulary, in seconds and memory,
and a ranking by its candidates: docs/images/cost.svg.

    make cost        or, with what it builds: python3 bench/cost.py [--build build] [--peers .venv-peers/bin/python] [--out docs/images/cost.svg]

Steps of `train grpo --bf16` on a random checkpoint of 100.8 M weights (one prompt with two pictures), medians; comparisons by
`rank_bench`. About ten minutes on an idle machine. Needs `make peers` for the checkpoint.
"""
import argparse, json, math, os, statistics, sys, tempfile

from harness import GROUP, ROOT, Bench, run

sys.path.insert(0, os.path.join(ROOT, "tools"))
import lines_svg as draw

SIDE, TOKENS = 224, 128
SWEEPS = [  # title, values, what a step is given
    ("pixels a side", [112, 224, 336, 448], lambda v: {"side": v}),
    ("completions of a prompt (G)", [2, 4, 8, 16], lambda v: {"group": v}),
    ("tokens of a completion", [32, 64, 128, 256], lambda v: {"new": v}),
    ("prompts of a step", [1, 2, 4], lambda v: {"prompts": v}),
    ("tokens of the vocabulary", [32128, 64256, 128512], lambda v: {"vocabulary": v}),
]
COLOURS = {"step": "#1f4e79", "rollout": "#c8553d", "update": "#588157", "all pairs": "#999999", "adaptive": "#1f4e79", "peak memory": "#6a4c93"}


def measured(bench):
    """Two rows of panels: seconds, and memory below them."""
    times, memory = [], []
    for title, values, arguments in SWEEPS:
        lines, peaks = {"step": [], "rollout": [], "update": []}, []
        for value in values:
            bench.say(f"{title}: {value}")
            steps = bench.grpo(steps=4, **{"side": SIDE, "group": GROUP, "new": TOKENS, **arguments(value)})
            for name, key in [("step", "step_time"), ("rollout", "time/rollout"), ("update", "time/update")]:
                lines[name].append((value, statistics.median(m[key] for m in steps)))
            peaks.append((value, max(m["memory/peak_rss_gb"] for m in steps)))
        times.append({"x": title, "y": "seconds", "lines": lines})
        memory.append({"x": title, "y": "GB", "lines": {"peak memory": peaks}})
    bench.say("candidates")
    few, every = [], []
    for line in run([os.path.join(bench.build, "rank_bench"), 1.15, 0.23, 3]).splitlines()[1:]:
        n, comparisons = (int(x) for x in line.split()[:2])
        few.append((n, comparisons))
        every.append((n, n * (n - 1) // 2))
    times.append({"x": "candidates of a ranking", "y": "comparisons", "lines": {"all pairs": every, "adaptive": few}})
    return [times, memory]


def panel_svg(panel, left, log):
    """Lines over x in equal steps; `log`: powers of ten upwards."""
    values = [v for points in panel["lines"].values() for _, v in points]
    scale = (lambda v: math.log10(v)) if log else (lambda v: v)
    low, high = (math.floor(scale(min(values))), math.ceil(scale(max(values)))) if log else (0, max(values) * 1.08)
    xs = [x for x, _ in next(iter(panel["lines"].values()))]
    px = lambda x: left + 20 + xs.index(x) * (draw.WIDTH - 40) / (len(xs) - 1)
    py = lambda v: draw.TOP + draw.HEIGHT - (scale(v) - low) / (high - low) * draw.HEIGHT
    ticks = [10**k for k in range(low, high + 1)] if log else [high / 1.08 * k / 3 for k in range(4)]
    out = draw.axes(left, panel["x"], panel["y"], [(px(x), x if x < 1000 else f"{x / 1000:.0f}k") for x in xs],
                    [(py(t), f"{t:,.0f}" if log or t >= 10 or t == 0 else f"{t:.1f}") for t in ticks])
    for k, (what, points) in enumerate(panel["lines"].items()):
        out.append(draw.line([(px(x), py(v)) for x, v in points], COLOURS[what]))
        out += [draw.dot(px(x), py(v), COLOURS[what], f"{what}, {x:,}: {v:.4g}") for x, v in points]
        out.append(draw.name(left + 70 * k + 4, draw.TOP - 8, what, COLOURS[what]))
    return "\n".join(out)


ROW = 265  # pixels from one row's top to the next one's


def svg(rows):
    def row(panels, top):
        inside = "\n".join(panel_svg(p, draw.left_of(i), p["y"] == "comparisons") for i, p in enumerate(panels))
        return f'<g transform="translate(0 {top})">\n{inside}\n</g>'
    return draw.page("\n".join(row(panels, k * ROW) for k, panels in enumerate(rows)), max(map(len, rows)), ROW * len(rows) + 5)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("--peers", default=os.path.join(ROOT, ".venv-peers/bin/python"))
    a.add_argument("--out", default=os.path.join(ROOT, "docs/images/cost.svg"))
    args = a.parse_args()
    with tempfile.TemporaryDirectory(prefix="beholder-cost-") as folder:
        bench = Bench(args, folder)
        if not bench.peers:
            a.error("no peers' Python, which makes the checkpoint: make peers")
        rows = measured(bench)
    with open(os.path.join(args.build, "cost.json"), "w") as f:
        json.dump(rows, f, indent=1)
    with open(args.out, "w") as f:
        f.write(svg(rows))


if __name__ == "__main__":
    main()
