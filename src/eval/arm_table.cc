#include "eval/arm_table.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "eval/metric_table.h"

namespace beholder::eval {
namespace {

double mean_of(const ArmRows& rows, const std::string& name) {
  Ratio sum;
  for (const auto& [id, item] : rows)
    if (const auto part = item.parts.find(name); part != item.parts.end()) sum.sum += part->second.sum, sum.n += part->second.n;
  return sum.value();
}

}  // namespace

ArmTable::ArmTable(std::vector<MeasuredArm> arms, const std::string& what, std::optional<Gap> gap)
    : arms_(std::move(arms)), gap_(std::move(gap)) {
  const ArmRows* first = nullptr;
  for (const MeasuredArm& arm : arms_)
    for (const ArmRows& seed : arm.seeds) {
      if (!first) first = &seed;
      if (seed.size() != first->size() ||
          !std::equal(seed.begin(), seed.end(), first->begin(), [](auto& a, auto& b) { return a.first == b.first; }))
        throw Error(Code::kCorrupt, what, format("\"{}\" was measured on other items than the arms before it", arm.name),
                    "remove what was measured and run again");
      for (const auto& [id, item] : seed)
        for (const auto& [name, part] : item.parts) metrics_.emplace(name, metrics_.size());
    }
  if (!first) return;
  for (const auto& [id, unused] : *first) {
    std::vector<Ratio> row(arms_.size() * metrics_.size());
    for (std::size_t a = 0; a < arms_.size(); ++a)
      for (const ArmRows& seed : arms_[a].seeds)
        for (const auto& [name, part] : seed.at(id).parts) {
          Ratio& sum = row[at(a, metrics_.at(name), 0)];
          sum.sum += part.sum;
          sum.n += part.n;
        }
    rows_.push_back(std::move(row));
  }
  values_ = statistics(sum_rows(rows_));
  intervals_ = bootstrap(rows_, [this](const std::vector<Ratio>& sums) { return statistics(sums); });
}

Json ArmTable::arm(std::size_t a) const {
  Json out = {{"items", rows_.size()}};
  if (arms_[a].seeds.empty()) return out;
  for (const auto& [name, m] : metrics_) {
    Json entry = {{"value", number_or_null(values_[at(a, m, 0)])}, {"interval", interval_json(intervals_[at(a, m, 0)])}};
    for (const ArmRows& seed : arms_[a].seeds) entry["by_seed"].push_back(number_or_null(mean_of(seed, name)));
    const auto add = [&](const std::string& key, std::size_t place) {
      entry[key] = number_or_null(values_[place]);
      entry[key + "_interval"] = interval_json(intervals_[place]);
    };
    if (a > 0) add("difference", at(a, m, 1));
    if (arms_[a].against > 0) add("against", at(a, m, 2));
    if (a > 0 && gap_ && name == gap_->metric) add("gap_closed", at(0, 0, 3) + a);
    out[name] = std::move(entry);
  }
  return out;
}

// Values, then differences to the first arm, then to the arm that each is set against, then the share of the gap that each arm closed.
std::size_t ArmTable::at(std::size_t arm, std::size_t metric, std::size_t block) const {
  return (block * arms_.size() + arm) * metrics_.size() + metric;
}

std::vector<double> ArmTable::statistics(const std::vector<Ratio>& sums) const {
  const std::size_t m = metrics_.size();
  std::vector<double> out;
  for (const Ratio& r : sums) out.push_back(r.value());
  for (std::size_t i = 0; i < sums.size(); ++i) out.push_back(out[i] - out[i % m]);
  for (std::size_t i = 0; i < sums.size(); ++i) out.push_back(out[i] - out[arms_[i / m].against * m + i % m]);
  if (!gap_) return out;
  const auto entry = [&](std::size_t a, const std::string& name) {
    const auto found = metrics_.find(name);
    return found == metrics_.end() ? std::nan("") : out[a * m + found->second];
  };
  for (std::size_t a = 0; a < arms_.size(); ++a)
    out.push_back((entry(a, gap_->metric) - entry(0, gap_->metric)) / (entry(0, gap_->ceiling) - entry(0, gap_->metric)));
  return out;
}

}  // namespace beholder::eval
