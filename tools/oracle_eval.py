"""Golden values for the evaluation protocols and metrics: scipy, statsmodels, scikit-learn (Brier, reliability bins) and plain loops written
from the definitions, sharing nothing with the program. Writes tests/data/eval/{metrics,protocols}.json; needs numpy, scipy, statsmodels and
scikit-learn.
"""
import itertools
import json
import math
import pathlib

import numpy as np
import scipy.special
import scipy.stats
import sklearn
import sklearn.calibration
import sklearn.metrics
import statsmodels
import statsmodels.api as sm

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/eval"


def correlations(rng):
    cases = []
    for n, ties in [(9, False), (40, False), (40, True), (5, True)]:
        x = rng.integers(0, 6, n).astype(float) if ties else rng.normal(size=n).round(6)
        y = (x + rng.integers(0, 4, n)).astype(float) if ties else (0.5 * x + rng.normal(size=n)).round(6)
        cases.append({"x": x.tolist(), "y": y.tolist(), "pearson": float(scipy.stats.pearsonr(x, y)[0]),
                      "spearman": float(scipy.stats.spearmanr(x, y)[0]), "kendall_tau_b": float(scipy.stats.kendalltau(x, y, variant="b")[0])})
    return cases


def calibration(rng):
    n = 157
    p = rng.uniform(0.001, 0.999, n).round(6)
    q = rng.integers(0, 2, n).astype(float)
    confidence = np.maximum(p, 1 - p)
    correct = ((p > 0.5) == (q > 0.5)).astype(float)
    order = np.argsort(confidence)
    ece = sum(len(b) / n * abs(correct[b].mean() - confidence[b].mean()) for b in np.array_split(order, 15))
    share = rng.uniform(0, 1, n).round(3)
    nll = float(np.mean(scipy.special.rel_entr(share, p) + scipy.special.rel_entr(1 - share, 1 - p) + scipy.special.entr(share) + scipy.special.entr(1 - share)))
    return {"p": p.tolist(), "q": q.tolist(), "ece": float(ece), "share": share.tolist(), "brier": float(np.mean((p - share) ** 2)), "nll": nll}


def against_sklearn(case):
    """scikit-learn's own numbers on the same forecasts. Its Brier score knows labels of 0 and 1: a share s is a vote for of weight s and one
    against of weight 1 - s, whose mean Brier score is (p - s)^2 + s (1 - s). Its quantile bins hold equally many only where the bins divide n.
    """
    p, q, share = (np.array(case[k]) for k in ("p", "q", "share"))
    votes = sklearn.metrics.brier_score_loss(np.repeat([1, 0], len(p)), np.tile(p, 2), sample_weight=np.concatenate([share, 1 - share]))
    n, bins = 150, 15
    confidence = np.maximum(p, 1 - p)[:n]
    correct = ((p > 0.5) == (q > 0.5))[:n]
    accuracy, mean = sklearn.calibration.calibration_curve(correct, confidence, n_bins=bins, strategy="quantile")
    assert len(accuracy) == bins
    return {"brier_labels": float(sklearn.metrics.brier_score_loss(q, p)), "brier_shares": float(votes - np.mean(share * (1 - share))),
            "ece_n": n, "ece": float(np.mean(np.abs(accuracy - mean)))}


def bradley_terry(rng):
    """A logistic regression without intercept on the differences, the last strength fixed at 0, then centred."""
    items, rows, wins, weights = 6, [], [], []
    for i, j in itertools.combinations(range(items), 2):
        n = int(rng.integers(4, 12))
        won = int(rng.integers(1, n))
        rows.append([(k == i) - (k == j) for k in range(items - 1)])
        wins.append(won / n)
        weights.append(n)
    fit = sm.GLM(np.array(wins), np.array(rows, float), family=sm.families.Binomial(), freq_weights=np.array(weights)).fit(tol=1e-14)
    theta = np.append(fit.params, 0.0)
    cov = np.zeros((items, items))
    cov[:-1, :-1] = fit.cov_params()
    centre = np.eye(items) - 1 / items
    return {"items": items, "outcomes": [[i, j, w, n] for (i, j), w, n in zip(itertools.combinations(range(items), 2), wins, weights)],
            "theta": (theta - theta.mean()).tolist(), "std_dev": np.sqrt(np.diag(centre @ cov @ centre)).tolist()}


def tau(pairs):
    """Every epsilon tried with plain counting: below all margins, and at each margin."""
    best = -1
    for eps in [-1.0] + sorted({abs(m) for _, m in pairs}):
        right = sum((h == 0) if abs(m) <= eps else h * m > 0 for h, m in pairs)
        best = max(best, right / len(pairs))
    return best


def tau_videoalign(pairs):
    """The pairs become ties one after the other, smallest margin first; the state before the first one is not looked at."""
    order, best = sorted(pairs, key=lambda p: abs(p[1])), -1
    for k in range(1, len(order) + 1):
        right = sum(h == 0 for h, _ in order[:k]) + sum(h * m > 0 for h, m in order[k:])
        best = max(best, right / len(order))
    return best


def mean(values):
    return sum(values) / len(values)


def protocols(rng):
    records = []
    for r in range(30):
        k = int(rng.integers(2, 6))
        ranking = rng.integers(1, 5, k).tolist()
        if len(set(ranking)) == 1:
            ranking[0] += 1
        scores = [round(float(s) * 4) / 4 for s in -np.array(ranking) * 0.4 + rng.normal(size=k)]  # quarters: ties happen
        if r % 9 == 4:
            scores[0] = None
        records.append({"id": f"r{r}", "prompt": f"prompt {r}", "ranking": ranking, "scores": scores if r != 17 else None})

    def pair(record, i, j):
        """label 1, 0, -1, margin or None"""
        a, b = record["ranking"][i], record["ranking"][j]
        s = record["scores"]
        margin = None if s is None or s[i] is None or s[j] is None else s[i] - s[j]
        return (a < b) - (a > b), margin

    by_record = [[pair(r, i, j) for i, j in itertools.combinations(range(len(r["ranking"])), 2)] for r in records]
    all_pairs = [p for pairs in by_record for p in pairs]
    strict = lambda pairs: [m is not None and h * m > 0 for h, m in pairs if h != 0]

    def inversions(record, argsort):
        total, bad, s, k = 0, 0, record["scores"], len(record["ranking"])
        for i, j in itertools.combinations(range(k), 2):
            total += 1
            if s is None or s[i] is None or s[j] is None:
                bad += 1
                continue
            if argsort:
                order = sorted(range(k), key=lambda m: -(s[m] if s[m] is not None else -math.inf))  # sorted() keeps equal ones in place
                ahead = order.index(i) < order.index(j)
                said = 1 if ahead else -1
            else:
                said = (s[i] > s[j]) - (s[i] < s[j])
            bad += said * ((record["ranking"][i] < record["ranking"][j]) - (record["ranking"][i] > record["ranking"][j])) < 0
        return 1 - bad / total

    read = [(h, m) for h, m in all_pairs if m is not None]
    unread = len(all_pairs) - len(read)
    scale = len(read) / len(all_pairs)
    sigmoid = lambda m: 0.5 if m is None else 1 / (1 + math.exp(-m))
    three_way = lambda t: mean([0 if m is None else (lambda s: 1 if s == h else 0.5 if s == 0 or h == 0 else 0)(
        0 if abs(m) < t or m == 0 else 1 if m > 0 else -1) for h, m in all_pairs])
    values = {
        "imagereward": mean(strict(all_pairs)), "diff": mean(strict(all_pairs)), "hpdv3": mean(strict(all_pairs)),
        "imagereward-macro": mean([mean(strict(p)) for p in by_record if strict(p)]),
        "hpdv2": mean([inversions(r, True) for r in records]), "hpdv2-mps": mean([inversions(r, False) for r in records]),
        "pickapic": mean([0 if m is None or m == 0 else (h + 1) / 2 if m > 0 else (1 - h) / 2 for h, m in all_pairs]),
        "pickapic-tie": max(three_way(t / 16) for t in range(0, 200)), "pickapic-tie at 0.6": three_way(0.6),
        "tau": tau(read) * scale, "tau-videoalign": tau_videoalign(read) * scale,
        "genai-bench/test": mean([m is not None and h * m > 0 for h, m in all_pairs]),
        "genai-bench-videoscore/test": mean([m is not None and (abs(m) < 0.5 if h == 0 else h * m > 0) for h, m in all_pairs]),
        "mmrb2": mean(strict(all_pairs)), "mmrb2-parsed": mean(strict(read)),
        "votes": mean([(sigmoid(m) - (h + 1) / 2) ** 2 for h, m in all_pairs]),
    }
    counts = {"pairs": len(all_pairs), "label_ties": sum(h == 0 for h, _ in all_pairs), "unread": unread,
              "predicted_ties": sum(h != 0 and m == 0 for h, m in all_pairs)}
    return {"records": records, "values": values, "counts": counts}


def main():
    rng = np.random.default_rng(20250)
    metrics = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__,
                            "scikit-learn": sklearn.__version__},
               "correlations": correlations(rng), "calibration": calibration(rng), "bradley_terry": bradley_terry(rng)}
    metrics["sklearn"] = against_sklearn(metrics["calibration"])
    ties = []
    for n in [1, 3, 12, 60]:
        pairs = [(int(rng.integers(-1, 2)), round(float(rng.normal()) * 5) / 5) for _ in range(n)]
        ties.append({"pairs": pairs, "tau": tau(pairs), "tau_videoalign": tau_videoalign(pairs)})
    metrics["ties"] = ties
    OUT.mkdir(parents=True, exist_ok=True)
    for name, value in [("metrics", metrics), ("protocols", protocols(rng))]:
        (OUT / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")


main()
