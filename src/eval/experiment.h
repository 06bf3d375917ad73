// A comparison of trainings as a recipe: arms (what is changed) x seeds, each trained and measured by this program in processes of
// their own. Reading the recipe gives the plan: every command with the file that says it is done.
//
//   output_dir = "runs/ablation"
//   model = "models/cold-start"     # the judge that every arm starts from; the embedded one where it says none
//   seeds = [1, 2, 3]
//   [eval]                          # what every finished arm is measured on: world eval's flags
//   splits = ["test", "ood-voters"]
//   n = 1000
//   [grpo]                          # train grpo's keys, for every arm that trains with it; [sft] likewise
//   max_steps = 300
//   [[arm]]
//   name = "cold start"             # the first arm is the one that others are compared with
//   train = "none"                  # with answer = "score" it is asked for scores
//   [[arm]]
//   name = "soft"                   # train = "grpo" unless it says "sft" or "none"; every other key is the training's own
//   reward_funcs = ["format", "soft"]
//   listener = "@cold start"        # "@arm": the model that another arm ends with, which then runs first
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/runner.h"

namespace beholder::eval {

struct Arm {
  std::string name, note;
  std::vector<std::size_t> runs;  // one per seed
  std::size_t against = 0;        // index of the arm that it is compared with beside the first
};

struct Experiment {
  std::string output_dir, title;
  std::vector<std::string> splits;
  std::vector<Arm> arms;
  std::vector<Run> runs;
};

// `base_model`: what "none" arms are and what trainings start from, where neither says `model`, nor the recipe. kUsage, with the place
// and the way out, for unknown keys of the experiment's own, arms of one name, references to unknown arms or in a circle. The
// training's own keys are checked by the training.
Experiment read_experiment(const std::string& path, const std::string& base_model);

// Where a run's measurement of a split lies: the summary, and one line per item.
std::string summary_path(const Run& run, const std::string& split);
std::string rows_path(const Run& run, const std::string& split);

}  // namespace beholder::eval
