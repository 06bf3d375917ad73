// What of a model a run trains: everything, everything but the vision tower, or a LoRA adapter beside frozen weights.
#pragma once

#include <string>
#include <vector>

#include "hf/peft.h"
#include "train/optim.h"
#include "train/run_config.h"
#include "vlm/model.h"

namespace beholder::train {

// Those of `params` called `names` as leaves: own memory (a loaded model may lie in a read-only map), float32 (double
// stays double), gradients on. The store then holds them.
std::vector<NamedParam> make_leaves(vlm::ParamStore& params, const std::vector<std::string>& names);

// Makes `model` what the configuration trains (fresh LoRA pairs with use_peft) and returns the leaves; the rest stays as it lies,
// without gradients. kUsage for a LoRA target that is not there.
std::vector<NamedParam> make_trained(const RunConfig& config, vlm::Model& model);

// SHA-256 over the beginning of every frozen parameter (of a model as it was loaded: of every one); empty where none is. A checkpoint does
// not hold an adapter's base, so a resumed run must be given the same one.
std::string frozen_sha256(const vlm::Model& model);

// What adapter_config.json says of a run with use_peft; a local base by its absolute path.
hf::AdapterConfig adapter_of(const RunConfig& config);

}  // namespace beholder::train
