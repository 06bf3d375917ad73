#!/usr/bin/env python3
"""The tables of docs/RESULTS.md from what `beholder experiment` measured, as Markdown.

    tools/results_table.py results/ablation/comparison.json"""
import glob
import json
import os
import re
import sys


def value(metrics, name, digits=3, interval=True):
    m = metrics.get(name) or {}
    if m.get("value") is None:
        return "–"
    text = f"{m['value']:.{digits}f}"
    return text + (f" ±{(m['interval'][1] - m['interval'][0]) / 2:.{digits}f}" if interval and m.get("interval") else "")


def difference(metrics, name, key="difference"):
    m = metrics.get(name) or {}
    if m.get(key) is None:
        return "–"
    low, high = m[key + "_interval"]
    return f"{m[key]:+.3f} [{low:+.3f}, {high:+.3f}]"


def table(header, rows):
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def folder_name(arm):
    return re.sub("[^A-Za-z0-9.-]+", "_", arm)


def votes(folder, arm, splits):
    """Accuracy at the ends of the arm's cost curves, all of the same items; means over seeds."""
    out, tokens = [], []
    for split in splits:
        curves = []
        for path in glob.glob(os.path.join(folder, folder_name(arm), "seed-*", split + ".json")):
            with open(path, encoding="utf-8") as f:
                curve = {(p["orders"], p["votes"]): p for p in json.load(f)["sampled"]["cost_curve"]}
            curves.append([curve[1, 1], curve[2, 1], curve[max(curve)]])
        mean = lambda key: [sum(key(p) for p in points) / len(curves) for points in zip(*curves)]
        out.append(" / ".join(f"{v:.3f}" for v in mean(lambda p: p["accuracy"]["value"])))
        tokens.append(mean(lambda p: p["tokens"]))
    return [*out, " / ".join(f"{sum(t) / len(tokens):.0f}" for t in zip(*tokens))]


def by_rule(folder, arm, split):
    """Accuracy where the naive rule says what Bayes says, where it is undecided, and where it says the other: means over seeds."""
    parts = {"right": [], "undecided": [], "wrong": []}
    for path in glob.glob(os.path.join(folder, folder_name(arm), "seed-*", split + ".rows.jsonl")):
        with open(path, encoding="utf-8") as f:
            for row in map(json.loads, f):
                naive, bayes, right = (row[k][0] for k in ("naive_accuracy", "bayes_accuracy", "verdict_accuracy"))
                parts["undecided" if naive == 0.5 else "right" if naive == bayes else "wrong"].append(right)
    return [f"{sum(v) / len(v):.3f}" for v in parts.values()]


def hours(folder):
    """Of all trainings and measurements, as their own clocks say."""
    seconds = 0
    for path in glob.glob(os.path.join(folder, "*/seed-*/train/metrics.jsonl")):
        with open(path, encoding="utf-8") as f:
            before = 0
            for row in map(json.loads, f):
                if "step_time" in row:
                    seconds += row["step_time"] * (row["step"] - before)
                    before = row["step"]
    for path in glob.glob(os.path.join(folder, "*/seed-*/*.json")):
        with open(path, encoding="utf-8") as f:
            measured = json.load(f)
        seconds += measured.get("seconds", 0) if isinstance(measured, dict) else 0
    return seconds / 3600


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        c = json.load(f)
    arms = [a for a in c["arms"] if a["seeds"]]
    first = c["splits"][0]

    def gap(m):
        g = (m.get("verdict_accuracy") or {}).get("gap_closed")
        return "–" if g is None else f"{100 * g:.0f}%"

    def ece(m):
        e = (m.get("ece") or {}).get("value")
        return "–" if e is None else f"{e:.3f}"

    print(f"### {first}\n")
    table(["arm", "seeds", "accuracy", "gap closed", "Brier to the true share", "ECE", "true statements", "contradiction", "accuracy agreed / contradicted",
           "consistency", "tokens", "s/update"],
          [[a["name"], len(a["seeds"]), value(m, "verdict_accuracy"), gap(m), value(m, "brier_true"), ece(m), value(m, "thought_truth", interval=False),
            value(m, "contradiction", interval=False), " / ".join(value(m, "accuracy_" + k, interval=False) for k in ("agreed", "contradicted")), value(m, "consistency", interval=False), value(m, "completion_tokens", 0, False),
            f"{a['step_time']:.1f}" if a.get("step_time") else "–"] for a in arms for m in [a["splits"][first]]])
    folder = os.path.dirname(sys.argv[1])
    print(f"### Accuracy on {first} by what the naive rule says\n")
    table(["arm", "what Bayes says", "undecided", "the other"], [[a["name"], *by_rule(folder, a["name"], first)] for a in arms])
    print("### Accuracy by split\n")
    table(["arm", *c["splits"]], [[a["name"], *[value(a["splits"][s], "verdict_accuracy") for s in c["splits"]]] for a in arms])
    print("### What votes buy: one sampled thought, one in each order, the most in each order\n")
    table(["arm", *c["splits"], "tokens"], [[a["name"], *votes(folder, a["name"], c["splits"])] for a in arms])
    measures = [("accuracy", "verdict_accuracy"), ("Brier", "brier_true"), ("contradiction", "contradiction")]

    def differences(splits, shown):
        table(["arm", "against", *[f"{s}: {name}" for s in splits for name, _ in shown]],
              [[a["name"], a["against"] or arms[0]["name"],
                *[difference(a["splits"][s], k, "against" if a["against"] else "difference") for s in splits for _, k in shown]] for a in arms[1:]])

    print(f"### Paired differences on {first}\n")
    differences([first], measures)
    print("### Paired differences on the others\n")
    differences(c["splits"][1:], measures[::2])
    print(f"Hours of one core, beside other work: {hours(folder):.1f}")


if __name__ == "__main__":
    main()
