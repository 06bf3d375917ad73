// The numbers of a training run: metrics.jsonl, one object a line with "step", "time" and any other numbers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "report/svg.h"

namespace beholder::report {

struct Metrics {
  std::vector<std::string> names;        // in order of first appearance; without step, time and epoch
  std::map<std::string, Series> series;  // by name, x = step; null (a number that was not finite) is a gap
  std::int64_t lines = 0;
  std::int64_t broken = 0;  // lines that are no such object; a run that was killed may leave one at the end
  std::int64_t last_step = 0;
  double seconds = 0;  // from the first line's time to the last one's
};

// kNotFound; kInvalidInput when no line holds a number. A line of an earlier or equal step than the one before it (a run that
// was resumed) replaces what it repeats.
Metrics read_metrics(const std::string& path);

}  // namespace beholder::report
