// What the trainers' tests share.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::train {

// The lines of DIR/metrics.jsonl without what a clock or the machine decides.
inline std::vector<std::string> metrics(const std::string& dir) {
  std::vector<std::string> out;
  std::ifstream file(dir + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    Json json = parse_json(line, "metrics");
    for (const char* key : {"time", "step_time", "tokens_per_second", "time/rollout", "time/rewards", "time/listener", "time/update",
                            "memory/peak_rss_gb", "memory/peak_device_gb"})
      json.erase(key);
    out.push_back(json.dump());
  }
  return out;
}

}  // namespace beholder::train
