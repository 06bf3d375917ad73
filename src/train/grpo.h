// `train grpo` from a configuration to a finished model folder. The run's folder is that of `train sft` (sft.h), with
//   completions/step-<N>.jsonl   what was sampled and what it earned
//   best/                        the model that was best on validation, by metric_for_best_model
#pragma once

#include <string>

#include "train/grpo_trainer.h"

namespace beholder::train {

struct GrpoOutcome {
  GrpoResult result = {};
  std::string final_dir = {};  // empty when the run was interrupted
  bool is_main = true;         // of several processes, the one that speaks
};

// `config.model` is not empty. Throws what validate, the loaders and the trainer throw.
GrpoOutcome train_grpo(const GrpoConfig& config);

}  // namespace beholder::train
