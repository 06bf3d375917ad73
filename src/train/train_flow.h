// `train generator` and `train mpo` from a configuration to a finished generator's folder.
//
//   <output_dir>/ run.json       resolved configuration, versions, seed; written before step one
//                 metrics.jsonl, events.out.tfevents.*
//                 base/          a fresh generator's configuration, tokenizer and weights (only with an empty `model`)
//                 samples/       step-N.png: the same prompts and seeds at every evaluation
//                 step-<N>/      checkpoints
//                 final/         the generator: averaged weights where ema_decay is set; README.md, its card
#pragma once

#include <string>

#include "train/flow_config.h"
#include "train/flow_trainer.h"

namespace beholder::train {

struct FlowOutcome {
  bool is_main = true;  // of several processes, the one that speaks
  FlowResult result;
  std::string final_dir;  // empty when the run was interrupted
};

// Run, or go on with, what `config` describes. Throw what validate, the loaders and the trainer throw. A run whose checkpoint has reached
// max_steps only writes `final` again.
FlowOutcome train_generator(const GeneratorRunConfig& config);
FlowOutcome train_mpo(const MpoConfig& config);

// Writes a fresh generator for the embedded world's prompts into `dir`: config.json, model.safetensors, and a tokenizer trained on the
// prompts. A pure function of its arguments.
void write_fresh_generator(const std::string& dir, gen::GeneratorConfig config, std::uint64_t seed);

}  // namespace beholder::train
