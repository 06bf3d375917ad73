// What a generator's training ended with, for the terminal or as JSON.
#pragma once

#include "core/format.h"
#include "core/json.h"
#include "train/train_flow.h"

namespace beholder::app {

inline void print_outcome(const train::FlowOutcome& outcome, bool json) {
  const train::FlowResult& result = outcome.result;
  if (json)
    fmt::print("{}\n", json_line({{"step", result.step},
                                  {"interrupted", result.interrupted},
                                  {"skipped", result.skipped},
                                  {"loss", result.loss},
                                  {"final", outcome.final_dir}}));
  else if (result.interrupted)
    fmt::print("stopped after step {}; the same command goes on from there\n", result.step);
  else
    fmt::print("{} steps done, loss {:.4f}; the generator is in {}\n", result.step, result.loss, outcome.final_dir);
}

}  // namespace beholder::app
