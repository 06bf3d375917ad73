#include "eval/metric_table.h"

#include <cmath>

#include "core/error.h"

namespace beholder::eval {

std::size_t MetricTable::column(const std::string& metric) {
  const auto [it, fresh] = columns_.emplace(metric, names_.size());
  if (fresh) {
    names_.push_back(metric);
    for (std::vector<Ratio>& row : rows_) row.emplace_back();
  }
  return it->second;
}

void MetricTable::add(const std::string& metric, std::size_t prompt, double sum, double n) {
  Ratio& part = rows_.at(prompt)[column(metric)];
  part.sum += sum;
  part.n += n;
}

void MetricTable::add_rows(const std::string& metric, const std::vector<Ratio>& rows) {
  require_internal(rows.size() == rows_.size(), "a part of the metric per prompt");
  for (std::size_t i = 0; i < rows.size(); ++i) add(metric, i, rows[i].sum, rows[i].n);
}

Json MetricTable::with_intervals() const {
  const auto statistics = [](const std::vector<Ratio>& sums) {
    std::vector<double> out;
    for (const Ratio& r : sums) out.push_back(r.value());
    return out;
  };
  const std::vector<Ratio> sums = sum_rows(rows_);
  const auto intervals = bootstrap(rows_, statistics);
  Json out = Json::array();
  for (std::size_t c = 0; c < names_.size(); ++c)
    out.push_back({{"name", names_[c]},
                   {"value", number_or_null(sums[c].value())},
                   {"interval", interval_json(intervals[c])},
                   {"n", std::llround(sums[c].n)}});
  return out;
}

Json metric_named(const Json& metrics, const std::string& name) {
  for (const Json& metric : metrics) {
    if (metric.at("name") != name) continue;
    Json out = metric;
    out.erase("name");
    return out;
  }
  return {};
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json{interval->low, interval->high} : Json();
}

}  // namespace beholder::eval
