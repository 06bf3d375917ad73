// `train checklist` from a configuration to a finished model folder.
//
//   <output_dir>/ run.json        resolved configuration, versions, seed; written before step one
//                 metrics.jsonl, events.out.tfevents.*
//                 base/           the model's small files with yes and no as tokens (only where its tokenizer lacked them)
//                 step-<N>/       checkpoints
//                 questions.json  each question's balanced accuracy on validation, at the best step
//                 best/           the model that was best on validation, by metric_for_best_model
//                 final/          the trained model in the Hub's layout, with a model card
#pragma once

#include <string>

#include "train/checklist_trainer.h"

namespace beholder::train {

struct ChecklistOutcome {
  bool is_main = true;  // of several processes, the one that speaks
  ChecklistResult result;
  std::string final_dir;  // empty when the run was interrupted
};

// Runs, or goes on with, what `config` describes. Throws what validate, the loaders and the trainer throw.
ChecklistOutcome train_checklist(const ChecklistConfig& config);

}  // namespace beholder::train
