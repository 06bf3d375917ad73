#!/usr/bin/env python3
"""How far rankings agree: Kendall's tau-b between the orders of two files of rankings, or of one and the true strengths.

    tools/rank_agreement.py A.jsonl B.jsonl            both written by `beholder rank --in … --out …`
    tools/rank_agreement.py A.jsonl --truth FOLDER     a folder of `world make`

One line per id that both hold; media are matched by file name. Ties in the truth count in neither direction."""
import argparse
import json
import os
import sys


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def ranked(path):
    return {r["id"]: {os.path.basename(m["media"]): m["strength"] for m in r["ranking"]} for r in lines(path) if "ranking" in r}


def true_strengths(folder):
    names = {r["id"]: [os.path.basename(m) for m in r["media"]] for r in lines(os.path.join(folder, "records.jsonl"))}
    return {t["id"]: dict(zip(names[t["id"]], [-m["penalty"] for m in t["media"]])) for t in lines(os.path.join(folder, "truth.jsonl"))}


def sign(x):
    return (x > 0) - (x < 0)


def tau_b(a, b):
    """Kendall's tau-b of two dicts name -> number over their common names."""
    names = sorted(a.keys() & b.keys())
    agreement = untied_a = untied_b = 0
    for i, x in enumerate(names):
        for y in names[:i]:
            u, v = sign(a[x] - a[y]), sign(b[x] - b[y])
            agreement += u * v
            untied_a += u != 0
            untied_b += v != 0
    return agreement / (untied_a * untied_b) ** 0.5 if untied_a and untied_b else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b", nargs="?")
    parser.add_argument("--truth", metavar="FOLDER")
    args = parser.parse_args()
    if (args.b is None) == (args.truth is None):
        parser.error("give a second file of rankings, or --truth")
    a, b = ranked(args.a), ranked(args.b) if args.b else true_strengths(args.truth)
    common = [i for i in a if i in b]
    if not common:
        sys.exit("no id is in both files")
    for i in common:
        print(f"{i}  tau {tau_b(a[i], b[i]):.3f} over {len(a[i].keys() & b[i].keys())} media")


if __name__ == "__main__":
    main()
