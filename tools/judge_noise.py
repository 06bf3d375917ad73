#!/usr/bin/env python3
"""What a simulated judge needs to be like a real one (build/rank_bench SPREAD NOISE), from rankings in which every pair was asked.

    beholder rank --in records.jsonl --strategy pairs --out all.jsonl; tools/judge_noise.py all.jsonl

One line per ranking: the spread of strengths (standard deviation, log-odds), and the noise, the standard deviation of a pair's log-odds from the
difference of its strengths (least squares, n - 1 of them fitted). Probabilities are cut at 0.001 and 0.999; media that share a place by equal content are left
out, and so are rankings without all pairs."""
import json
import math
import statistics
import sys


def log_odds(p):
    p = min(max(p, 0.001), 0.999)
    return math.log(p / (1 - p))


def spread_and_noise(ranking):
    names = sorted({m for v in ranking["verdicts"] for m in v["media"]})
    odds = {}
    for verdict in ranking["verdicts"]:
        a, b = verdict["media"]
        if verdict.get("probability") is not None:
            odds[a, b] = log_odds(verdict["probability"])
            odds[b, a] = -odds[a, b]
    n, pairs = len(names), len(odds) // 2
    if n < 4 or pairs < n * (n - 1) // 2:
        return None
    strength = {a: sum(odds[a, b] for b in names if b != a) / n for a in names}
    rest = sum((odds[a, b] - strength[a] + strength[b]) ** 2 for a, b in odds) / 2
    return n, statistics.stdev(strength.values()), math.sqrt(rest / (pairs - (n - 1)))


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    found = []
    with open(sys.argv[1], encoding="utf-8") as f:
        for line in f:
            ranking = json.loads(line)
            one = spread_and_noise(ranking) if "verdicts" in ranking else None
            if one is None:
                print(f"{ranking.get('id')}  left out: fewer than four media, or not every pair has a probability")
                continue
            found.append(one)
            print(f"{ranking['id']}  {one[0]} media  spread {one[1]:.2f}  noise {one[2]:.2f}")
    if not found:
        sys.exit("no ranking has all its pairs")
    mean = [math.sqrt(statistics.mean(x[i] ** 2 for x in found)) for i in (1, 2)]
    print(f"together  spread {mean[0]:.2f}  noise {mean[1]:.2f}")


if __name__ == "__main__":
    main()
