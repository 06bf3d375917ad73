// What to do when training runs out of memory.
#pragma once

#include <functional>

#include "train/run_config.h"

namespace beholder::train {

// Runs `train`. A failed allocation becomes kResource: which settings to lower, those first that change no number, and which
// checkpoint the run goes on from.
void with_memory_advice(const RunConfig& config, const std::function<void()>& train);

}  // namespace beholder::train
