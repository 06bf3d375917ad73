#!/usr/bin/env bash
# How models/checklist is made: one thing learned after the other, each run from where the one before ended. What a run learns is
# measured by `beholder world questions --lessons --model RUN/final`. Every run resumes where it was stopped; about five hours of one core.
#   recipes/checklist.sh [build/bin/beholder]         docs/methods/checklist.md, "What belongs to what"
set -euo pipefail
beholder=${1:-build/bin/beholder}
runs=runs/checklist
stage() {  # NAME FROM FLAG…
  local name=$1 from=$2; shift 2
  [ -f "$runs/$name/final/config.json" ] ||
    "$beholder" train checklist --config recipes/checklist.toml --output-dir "$runs/$name" --model "$from" "$@"
}
# No cosine, few of the checklist's own questions, no videos: until something that was not seen at all is seen.
hard="--learning-rate 1e-3 --lr-scheduler-type constant_with_warmup --video-share 0 --eval-steps 0"

stage 1-questions cold-start --max-steps 3000 --lessons 4 --lesson-kinds colour
stage 2-binding $runs/1-questions/final $hard --max-steps 500 --questions-per-item 1 --lessons 24 --lesson-kinds binding
stage 3-rows $runs/2-binding/final $hard --max-steps 1000 --questions-per-item 3 --lessons 24 --lesson-kinds binding,row,column

# 11 of the 16 rotary frequencies, from the sixth on, for the width in place of the 7 lowest: columns are told apart by nothing else.
if [ ! -f $runs/wide/config.json ]; then
  rm -rf $runs/wide.part
  cp -r $runs/3-rows/final $runs/wide.part
  python3 - $runs/wide.part/config.json <<'END'
import json, sys
with open(sys.argv[1]) as f:
    config = json.load(f)
config["rope_scaling"]["mrope_section"] = [2, 3, 11]
with open(sys.argv[1], "w") as f:
    json.dump(config, f, indent=2)
END
  mv $runs/wide.part $runs/wide
fi
stage 4-columns $runs/wide $hard --max-steps 350 --questions-per-item 3 --lessons 24 --lesson-kinds column
stage 5-places $runs/4-columns/final $hard --max-steps 500 --questions-per-item 2 --lessons 16 --lesson-kinds binding,row,column,place,place
stage 6-all $runs/5-places/final --learning-rate 1e-3 --max-steps 1000 --questions-per-item 8 --lessons 8 --lesson-kinds binding,row,column,place,place
stage 7-relations $runs/6-all/final --learning-rate 8e-4 --max-steps 1800 --questions-per-item 10 --lessons 6 \
  --lesson-kinds binding,row,column,place,relation,relation,relation
