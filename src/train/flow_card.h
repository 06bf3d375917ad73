// The README.md of a trained generator: what it is, how it was made, and how training went, from the run's own records.
#pragma once

#include <string>

#include "core/json.h"
#include "gen/model.h"
#include "train/flow_config.h"

namespace beholder::train {

struct FlowCardInfo {
  std::string command;  // "train generator"
  const FlowConfig& config;
  Json recipe;      // what decided the numbers
  const Json& run;  // run.json
  const gen::Model& model;
};

// Markdown with the Hub's front matter.
std::string flow_card(const FlowCardInfo& info);

}  // namespace beholder::train
