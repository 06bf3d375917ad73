// Named means over prompts, each with its 95% interval: one bootstrap draws the prompts for all of them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/bootstrap.h"
#include "core/json.h"

namespace beholder::eval {

class MetricTable {
 public:
  explicit MetricTable(std::size_t prompts) : rows_(prompts) {}

  // `sum` of `n` goes to the metric's part in a prompt. Metrics keep the order in which they were first named.
  void add(const std::string& metric, std::size_t prompt, double sum, double n = 1);
  void add_rows(const std::string& metric, const std::vector<Ratio>& rows);  // one per prompt
  bool has(const std::string& metric) const { return columns_.contains(metric); }

  // {"value","interval":[lo,hi],"n"}; value and interval are null where there is nothing to take a mean of. All at once,
  // in order: [{"name",…}].
  Json with_intervals() const;

 private:
  std::size_t column(const std::string& metric);
  std::map<std::string, std::size_t> columns_;
  std::vector<std::string> names_;
  std::vector<std::vector<Ratio>> rows_;  // prompt, column
};

// What with_intervals() says of one metric, without its name; null where it is not there.
Json metric_named(const Json& metrics, const std::string& name);

// null for NaN.
Json number_or_null(double value);
Json interval_json(const std::optional<Interval>& interval);

}  // namespace beholder::eval
