// What a rollout says about itself: TRL's metrics of rewards and completions, and warnings that name the cause when the numbers
// look like a training problem.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "train/grpo_config.h"
#include "train/rollout.h"
#include "train/run_log.h"

namespace beholder::train {

// Means of whatever was added since the last line of the log.
class Meters {
 public:
  void add(const std::string& name, double value);  // NaN is not counted
  double mean(const std::string& name) const;       // NaN where nothing was added
  Metrics means() const;                            // by name
  void clear() { meters_.clear(); }
  // For checkpoints: {"name":[sum, n], …}.
  Json state() const;
  void restore(const Json& state);
  void merge(const Json& state);  // another rank's

 private:
  struct Meter {
    double sum = 0;
    std::int64_t n = 0;
  };
  std::map<std::string, Meter> meters_;
};

void meter_rollout(const RolloutBatch& batch, const std::vector<std::string>& reward_names, Meters& meters);

// Each cause is told once.
class CauseWarnings {
 public:
  void check(const Meters& meters, const GrpoConfig& config, std::int64_t step);

 private:
  std::set<std::string> told_;
};

}  // namespace beholder::train
