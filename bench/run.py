#!/usr/bin/env python3
"""The rows of docs/PERFORMANCE.md beside their peers, in one sitting: a table, and build/bench.json.

    python3 bench/run.py [--quick] [--rows P2,P7] [--peers .venv-peers/bin/python] [--work DIR] [--save-baseline]

What is timed takes turns with its peer, and medians are compared. `ratio` is how many times faster ours is; `limit_share` the share of what
memory bandwidth and matrix peak, measured in this run, would allow. Without a peers' Python (`make peers`) and llama.cpp (`make peers-llama`)
the rows that need them are left out or stand alone. Standard library only; checkpoints and pictures are made on the spot. Rows that were
measured before and not now stay in build/bench.json.
"""
import argparse, json, os, platform, re, subprocess, tempfile, time

import harness
from harness import ROOT
from rows import Rows

ROWS = ["kernels", "P1", "P2", "P3", "P6", "P7", "P9", "P10", "P11"]
LARGE = ["P4"]  # only when named
WITH_PEERS = ["P1", "P2", "P4", "P7"]  # their checkpoint or pictures are made by the peers' Python
SLOW = ["kernels", "P1"]  # with --quick only when named
FEATURES = ["avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"]


def number(value):
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def show(table):
    lines = [["row", "case", "ours", "peer", "", "ratio", "limit", "of the limit", "memory"]]
    for r in table:
        lines.append([r["row"], r["case"], f"{number(r['ours'])} {r['unit']}", number(r["peer"]), r["peer_name"] or "",
                      f"{r['ratio']:.1f}x" if r["ratio"] else "", number(r["limit"]), f"{r['limit_share']:.0%}" if r["limit_share"] else "",
                      f"{r['peak_rss_gb']:.2f} GB" if r["peak_rss_gb"] else ""])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip())


def machine():
    with open("/proc/cpuinfo") as f:
        info = dict(line.split(":", 1) for line in f if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    has = [name for name in FEATURES if name in info.get("flags", "").split()]
    return " ".join([info.get("model name", platform.machine()), "x", str(os.cpu_count()), *has])


def key(r):
    return r["row"], r["case"], r["peer_name"]


def kept(path, table):
    """The rows of an earlier run that this one did not measure, and this one's."""
    if not os.path.exists(path):
        return table
    with open(path) as f:
        before = json.load(f)
    rows = before["rows"] if isinstance(before, dict) else before
    now = {key(r) for r in table}
    return [r for r in rows if key(r) not in now] + table


def compare(table, path, threshold):
    """Warns where a ratio fell, or what has no peer became worse, by more than the threshold, which is wide: machines are noisy."""
    with open(path) as f:
        before = {key(r): r for r in json.load(f)["rows"]}
    for r in table:
        old = before.get(key(r))
        if not old:
            continue
        measure = "ratio" if old["ratio"] and r["ratio"] else "ours"
        now, was = r[measure], old[measure]
        more_is_better = measure == "ratio" or r["unit"].endswith("/s") or r["unit"] in ("share", "tau")
        worse = now < was * (1 - threshold) if more_is_better else now * (1 - threshold) > was
        if worse and r["unit"] != "nats":
            unit = "x" if measure == "ratio" else f" {r['unit']}"
            print(f"worse than the baseline of {old.get('measured', 'an earlier day')}: {r['row']} {r['case']}: {now:.3g}{unit}, was {was:.3g}{unit}")


def omitted(rows):
    return f"; {', '.join(rows)} cannot be measured, their checkpoint is made by it" if rows else ""


def tell(table, args):
    """The table, build/bench.json with it, and what became worse; with --save-baseline, the baseline with it."""
    result = os.path.join(args.build, "bench.json")
    everything = kept(result, table)
    with open(result, "w") as f:
        json.dump(everything, f, indent=1)
    show(table)
    baseline = args.baseline or os.path.join(ROOT, "bench/baselines", re.sub(r"[^A-Za-z0-9_]+", "-", machine()).strip("-") + ".json")
    if os.path.exists(baseline):
        compare(table, baseline, args.threshold)
    if args.save_baseline:
        os.makedirs(os.path.dirname(baseline), exist_ok=True)
        record = {"machine": machine(), "rows": kept(baseline, table)}
        with open(baseline, "w") as f:
            json.dump(record, f, indent=1)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--quick", action="store_true", help="fewer repeats, small sizes: under three minutes")
    a.add_argument("--rows", help="some of " + ", ".join(ROWS) + "; P4 (with P5) at full size only when named; with --quick also " + " and ".join(SLOW))
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("--peers", default=os.path.join(ROOT, ".venv-peers/bin/python"), help="a Python with the packages of tools/peers/requirements.txt")
    a.add_argument("--work", help="where large checkpoints are kept between runs (20 GB for P4); otherwise they are made and removed")
    a.add_argument("--threshold", type=float, default=0.4, help="what is worse than the baseline by more than this share is told")
    a.add_argument("--baseline", help="what to compare with; otherwise the file of this kind of machine in bench/baselines")
    a.add_argument("--save-baseline", action="store_true", help="keep these rows there")
    args = a.parse_args()
    usual = [row for row in ROWS if not (args.quick and row in SLOW)]
    rows = args.rows.split(",") if args.rows else usual
    for row in rows:
        if row not in ROWS + LARGE:
            a.error(f"no row {row}; there are {', '.join(ROWS + LARGE)}")
    if args.quick and args.save_baseline:
        a.error("--save-baseline keeps what was measured at full size: leave --quick out")
    with tempfile.TemporaryDirectory(prefix="beholder-bench-") as folder:
        bench = Rows(args, folder)
        if not bench.peers:
            bench.say("no peers' Python (make peers): their columns and the limits stay empty" + omitted([row for row in rows if row in WITH_PEERS]))
        try:
            for row in rows:
                bench.say(f"{row} …")
                harness.begin_row()
                start = time.monotonic()
                getattr(bench, row)()
                bench.say(f"{row} took {time.monotonic() - start:.0f} s")
        except subprocess.CalledProcessError as e:
            raise SystemExit(f"{row}: {' '.join(e.cmd)[:300]} ended with {e.returncode}:\n{e.stderr.decode()[-2000:]}")
        finally:  # what was measured before a fault is not lost
            tell(bench.table, args)


if __name__ == "__main__":
    main()
