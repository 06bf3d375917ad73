// The completions of a training step, to read: OUTPUT_DIR/completions/step-<N>.jsonl, one line per completion.
//   {"step","id","prompt","media":[a,b],"q","completion","parsed","problem","choice","p","listener","rewards":{name:value},"advantage","tokens"}
// "choice" is what was drawn and graded, as the completion says it; "p" the probability of medium 1 where it was drawn.
#pragma once

#include <string>
#include <vector>

#include "train/rollout.h"

namespace beholder::train {

std::string completion_lines(std::int64_t step, const RolloutBatch& batch, const std::vector<std::string>& reward_names);
void write_completions(const std::string& output_dir, std::int64_t step, const std::string& lines);

}  // namespace beholder::train
