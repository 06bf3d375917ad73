"""Reference values for checklists, from a few lines that share nothing with the program. Writes tests/data/checklist:

- full, select, video: question files, weights and answers of the sizes and forms of VisionReward's released files (own words, random
  numbers), with the scores and comparisons that its released code would give;
- fit.json: answer differences of pairs with the optimum of the non-negative logistic regression, by solving it for every set of
  weights that may be positive, and the accuracies with and without ties of its predictions, by trying every threshold;
- mpo.json: weighted sums per dimension, sub-dimension and question of some candidates, with the pairs where one dominates the other.

Needs numpy.
"""
import itertools
import json
import pathlib
import random

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/checklist"

# Of the released image files: lines that ask whether something is there (counted from 0), and the lines that need it.
MASKS = {
    "full": {0: [43, 44, 45, 46, 55, 56, 57, 58], 1: [47, 48, 49, 50], 2: [51, 52, 53, 54], 15: [13, 14], 26: [24, 25, 27, 28]},
    "select": {0: [22, 23, 24, 28, 29], 1: [25, 26], 2: [27]},
}
LINES = {"full": 59, "select": 30, "video": 29}


def signs(answers, masks):
    value = [1 if a == "yes" else -1 for a in answers]
    for mask, dependants in masks.items():
        for d in dependants:
            value[d] *= int(value[mask] > 0)
    return [v for i, v in enumerate(value) if i not in masks]


def released(kind, rng):
    """Questions, weights, answers, and what the released code makes of them."""
    lines, masks = LINES[kind], MASKS.get(kind, {})
    topic = "a scene like \"[[prompt]]\"" if kind == "video" else "the picture"
    questions = [f"Statement {i}: does it hold for {topic}?" + (" " if i == 9 else "") for i in range(lines)]
    size = lines - len(masks) + (kind != "video")
    weights = [0.0 if rng.random() < 0.2 else round(rng.expovariate(5), 6) for _ in range(size)]
    sheets = []
    for i in range(24):
        answers = [rng.choice(["yes", "no"]) for _ in range(lines)]
        if i == 5:
            answers[7], answers[8] = None, "perhaps"  # the released code takes everything else for no
        if i == 7:
            answers = list(sheets[6]["answers"])      # a tie
        sheets.append({"id": f"{kind}-{i}", "alignment": round(rng.random(), 4), "answers": answers})
    if kind == "video":
        for s in sheets:
            del s["alignment"]
    w = np.array(weights)
    values = [np.array(signs(s["answers"], masks) if kind == "video" else [s["alignment"]] + signs(s["answers"], masks)) for s in sheets]
    scores = [float(np.mean(v * w)) if kind == "video" else float(np.dot(v, w) + 0.25) for v in values]
    compared = [[i, j, float(np.sum((values[i] - values[j]) * w)), 1 if np.sum((values[i] - values[j]) * w) > 0 else 2]
                for i, j in itertools.combinations(range(0, 12), 2)]
    (OUT / f"{kind}.txt").write_text("\n".join(questions))
    (OUT / f"{kind}_weights.json").write_text(json.dumps(weights if kind == "video" else {"coef": weights, "intercept": [0.25]}))
    (OUT / f"{kind}_answers.jsonl").write_text("".join(json.dumps(s) + "\n" for s in sheets))
    (OUT / f"{kind}_expected.json").write_text(json.dumps({"scores": scores, "compared": compared}))


def with_ties(difference, label):
    """Best share of right answers where every difference up to a threshold is a predicted tie; 0 makes ties of none but equal scores."""
    best = (-1.0, 0.0)
    for eps in sorted({0.0} | {abs(d) for d in difference}):
        right = sum(l == (0 if abs(d) <= eps else (1 if d > 0 else -1)) for d, l in zip(difference, label))
        best = max(best, (right / len(label), -eps))
    return best[0], -best[1]


def fit(rng):
    n, size = 160, 7
    np_rng = np.random.default_rng(5)
    truth = np.array([1.2, 0.0, 0.5, 0.9, 0.0, 0.3, -0.4])  # the last one is held at 0
    x = np_rng.choice([-2, -1, 0, 0, 1, 2], size=(n, size)).astype(float)
    y = (np_rng.random(n) < 1 / (1 + np.exp(-x @ truth))).astype(float)
    def loss(w):
        return float(np.mean(np.logaddexp(0, x @ w) - y * (x @ w)))
    best = np.zeros(size)
    for support in itertools.chain.from_iterable(itertools.combinations(range(size), k) for k in range(1, size + 1)):
        xs, ws = x[:, support], np.zeros(len(support))
        for _ in range(60):  # Newton's method without bounds
            p = 1 / (1 + np.exp(-xs @ ws))
            ws = ws - np.linalg.solve((xs * (p * (1 - p))[:, None]).T @ xs, xs.T @ (p - y))
        w = np.zeros(size)
        w[list(support)] = ws
        if (w >= 0).all() and loss(w) < loss(best):
            best = w
    difference = [round(float(v), 3) for v in x @ best]
    label = [0 if abs(d) < 0.9 and rng.random() < 0.7 else rng.choice([-1, 1, 1 if d > 0 else -1]) for d in difference]
    tau, eps = with_ties(difference, label)
    untied = [(d, l) for d, l in zip(difference, label) if l]
    (OUT / "fit.json").write_text(json.dumps({
        "x": x.astype(int).tolist(), "y": y.astype(int).tolist(), "weights": best.tolist(), "loss": loss(best),
        "ties": {"difference": difference, "label": label, "tau": tau, "threshold": eps, "diff": sum(d * l > 0 for d, l in untied) / len(untied)}}))


def mpo(rng):
    # question -> (dimension, sub-dimension)
    place = [(0, 0), (0, 0), (0, 1), (1, 2), (1, 2), (1, 3), (2, 4)]
    weights = [0.5, 0.25, 0.5, 1.0, 0.25, 0.75, 0.5]
    candidates = [[rng.randint(0, 1) for _ in place] for _ in range(9)]
    def reward(c, level):
        groups = sorted({p[level] for p in place}) if level < 2 else range(len(place))
        return [sum(w * a for q, (w, a) in enumerate(zip(weights, c)) if (place[q][level] if level < 2 else q) == g) for g in groups]
    pairs = {}
    for name, level in [("dimension", 0), ("sub-dimension", 1), ("question", 2), ("total", None)]:
        for threshold in [0.0, 0.8]:
            found = []
            for i, j in itertools.permutations(range(len(candidates)), 2):
                total = sum(reward(candidates[i], 2)) - sum(reward(candidates[j], 2))
                dominates = level is None or all(a >= b for a, b in zip(reward(candidates[i], level), reward(candidates[j], level)))
                if dominates and total > threshold:
                    found.append([i, j])
            pairs[f"{name} {threshold}"] = found
    (OUT / "mpo.json").write_text(json.dumps({"place": place, "weights": weights, "answers": candidates, "pairs": pairs}))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for kind in LINES:
        released(kind, random.Random(kind))
    fit(random.Random(1))
    mpo(random.Random(2))


main()
