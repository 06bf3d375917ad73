// A training in one process or in several: torchrun, Slurm, Kubernetes (dist/launch.h).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dist/process_group.h"
#include "train/run_config.h"
#include "train/run_dir.h"

namespace beholder::train {

// Runs `train` in the group that the launcher made, or alone. Only rank 0 speaks and writes. When a rank fails or is lost, all of them end
// with kResource, or their own error; a rank that is busy with something else then is ended.
void with_ranks(const RunConfig& config, const std::function<void(dist::ProcessGroup&)>& train);

// Rank 0 holds the run's folder for itself, and clears away what an earlier run left unfinished.
std::unique_ptr<RunLock> lock_on_main(const RunConfig& config, const dist::ProcessGroup& group);

// What rank 0 makes first and the others then find: files in the run's folder, which all of them see.
template <class Make>
auto first_on_main(dist::ProcessGroup& group, const Make& make) {
  if (group.is_main()) {
    auto made = make();
    group.any(false);
    return made;
  }
  group.any(false);
  return make();
}

// The device of this rank, where a config says "cuda" (dist/launch.h).
std::string device_here(const std::string& device);

// `config` as a trainer of several ranks reads it: gradient_accumulation_steps are the forward passes of all of them, the device is its
// own.
template <class Config>
Config for_ranks(Config config, const dist::ProcessGroup& group) {
  config.gradient_accumulation_steps *= group.size();
  if (!group.is_alone()) config.device = device_here(config.device);
  return config;
}

// What `train(config, group)` came to, with ranks as above.
template <class Config, class Outcome>
Outcome in_ranks(const Config& config, Outcome (*train)(const Config&, dist::ProcessGroup&)) {
  Outcome outcome;
  with_ranks(config, [&](dist::ProcessGroup& group) { outcome = train(for_ranks(config, group), group); });
  return outcome;
}

}  // namespace beholder::train
