#!/usr/bin/env bash
# The main job on the embedded default: six pictures, three prompts, one report.
set -euo pipefail
beholder=${1:-build/bin/beholder}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${2:-$here/build/demo}
mkdir -p "$out"
"$beholder" rank --in "$here/examples/records.jsonl" --out "$out/rankings.jsonl" --report "$out/report.html"
echo
echo "Records: $out/rankings.jsonl"
echo "Report:  $out/report.html   (open it in a browser)"
