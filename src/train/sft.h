// `train sft` from a configuration to a finished model folder: the run's folder and lock, the starting model, the data, the
// trainer, the export.
//
//   <output_dir>/ run.json       resolved configuration, versions, seed; written before step one
//                 metrics.jsonl, events.out.tfevents.*
//                 base/          a fresh model's configuration and tokenizer (only with an empty `model`)
//                 step-<N>/      checkpoints
//                 final/         the trained model in the Hub's layout, with a model card
#pragma once

#include <string>

#include "train/sft_trainer.h"

namespace beholder::train {

struct SftOutcome {
  bool is_main = true;  // of several processes, the one that speaks
  SftResult result;
  std::string final_dir;  // empty when the run was interrupted
};

// Runs, or goes on with, what `config` describes. Throws what validate, the loaders and the trainer throw. A run whose checkpoint
// has reached max_steps only writes `final` again.
SftOutcome train_sft(const SftConfig& config);

}  // namespace beholder::train
