// What a training run ended with, for the terminal or as JSON.
#pragma once

#include <string>

#include "core/format.h"
#include "core/json.h"

namespace beholder::app {

// `outcome`: what one of train/'s train_… functions returned. `what` was trained: "model", "generator". `best_of` names the metric
// that the best checkpoint was picked by.
template <class Outcome>
void print_outcome(const Outcome& outcome, bool json, const std::string& what, const std::string& best_of = {}) {
  if (!outcome.is_main) return;
  const auto& result = outcome.result;
  Json line{{"step", result.step}, {"interrupted", result.interrupted}, {"skipped", result.skipped}};
  std::string value, best;
  if constexpr (requires { result.reward; }) {
    line["reward"] = result.reward;
    value = format("reward {:.4f}", result.reward);
  } else {
    line["loss"] = result.loss;
    value = format("loss {:.4f}", result.loss);
  }
  if constexpr (requires { result.best_metric; }) {
    line["best_metric"] = result.best_metric ? Json(*result.best_metric) : Json();
    line["best_step"] = result.best_step;
    if (result.best_metric) best = format("best {} {:.4f} after step {}; ", best_of, *result.best_metric, result.best_step);
  }
  line["final"] = outcome.final_dir;
  if (json)
    fmt::print("{}\n", json_line(line));
  else if (result.interrupted)
    fmt::print("stopped after step {}; the same command goes on from there\n", result.step);
  else
    fmt::print("{} steps done, {}; {}the {} is in {}\n", result.step, value, best, what, outcome.final_dir);
}

}  // namespace beholder::app
