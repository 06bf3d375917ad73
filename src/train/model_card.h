// The README.md of a trained model: what it is, how it was made, and how training went, from the run's own records.
#pragma once

#include <string>

#include "core/json.h"
#include "train/sft_config.h"

namespace beholder::train {

struct CardInfo {
  const SftConfig& config;
  const Json& run;           // run.json
  std::string metrics_path;  // metrics.jsonl
  std::string family;        // "qwen2_5_vl"
  std::int64_t parameters = 0;
};

// Markdown with the Hub's front matter.
std::string model_card(const CardInfo& info);

}  // namespace beholder::train
