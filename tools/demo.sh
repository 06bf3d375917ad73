#!/usr/bin/env bash
# The main job on the embedded default: six pictures for each of three prompts, in the terminal and as one page.
set -euo pipefail
beholder=${1:-build/bin/beholder}
here=$(cd "$(dirname "$0")/.." && pwd)
out=${2:-$here/build/demo}
mkdir -p "$out"
rm -f "$out/rankings.jsonl"
while IFS=$'\t' read -r id prompt; do
  "$beholder" rank --quiet --prompt "$prompt" "$here"/examples/media/"$id"-*.png
  echo
done <<'EOF'
test-14	a red triangle and a cyan circle
test-15	a blue cross below a green triangle
test-16	three blue circles
EOF
"$beholder" rank --quiet --in "$here/examples/records.jsonl" --out "$out/rankings.jsonl" --report "$out/report.html"
echo "All three with pictures and every thought: $out/report.html (open it in a browser); as records: $out/rankings.jsonl"
