#include "world/measure.h"

#include <algorithm>
#include <cmath>

#include "world/voters.h"

namespace beholder::world {
namespace {

// Where each metric stands in a row.
enum Metric {
  kAttributeAccuracy,
  kDefectRecall,
  kDefectPrecision,
  kThoughtTruth,
  kWellFormed,
  kVerdictAccuracy,
  kNaiveAccuracy,
  kBayesAccuracy,
  kBrier,
  kBrierTrue,
  kFollowsFaults,
  kFirstShare,
  kContradiction,
  kAccuracyAgreed,
  kAccuracyContradicted,
  kNamedMetrics,
  kRecallOf = kNamedMetrics,
  kPrecisionOf = kRecallOf + kDefects,
  kAccuracyOf = kPrecisionOf + kDefects,
  kMetrics = kAccuracyOf + kAttributes,
};
constexpr std::array<const char*, kNamedMetrics> kNames = {
    "attribute_accuracy",     "defect_recall",  "defect_precision", "thought_truth",   "well_formed",
    "verdict_accuracy",       "naive_accuracy", "bayes_accuracy",   "brier",           "brier_true",
    "verdict_follows_faults", "first_share",    "contradiction",    "accuracy_agreed", "accuracy_contradicted"};

std::size_t index(int metric) {
  return static_cast<std::size_t>(metric);
}

// Credit for choosing among several media with equal claim: the share of them that the voters ranked first.
template <class F>
double ranked_credit(const Item& item, F&& chosen) {
  double hits = 0, n = 0;
  for (std::size_t k = 0; k < item.scenes.size(); ++k)
    if (chosen(k)) n += 1, hits += item.votes.ranking[k] == 1;
  return n > 0 ? hits / n : 0;
}

double bayes_credit(const Item& item) {
  if (item.scenes.size() == 2) return bayes_accuracy(item.p_true(), item.votes.voters);
  const double least = *std::min_element(item.penalties.begin(), item.penalties.end());
  return ranked_credit(item, [&](std::size_t k) { return item.penalties[k] <= least + 1e-12; });
}

double naive_credit(const Item& item) {
  if (item.scenes.size() == 2) return naive_accuracy(item.defects[0].size(), item.defects[1].size(), item.p_true(), item.votes.voters);
  int fewest = kDefects;
  for (const DefectSet defects : item.defects) fewest = std::min(fewest, defects.size());
  return ranked_credit(item, [&](std::size_t k) { return item.defects[k].size() == fewest; });
}

// Did the verdict go to the medium with the fewest faults by the thought's own lists? Nothing where they tell no best one.
std::optional<bool> follows_faults(const ThoughtCheck& check, std::optional<int> verdict) {
  int fewest = kDefects + 1, best = -1;
  bool tie = false;
  for (std::size_t k = 0; k < check.media.size(); ++k) {
    const int n = check.media[k].claimed.size();
    tie = n == fewest || (tie && n > fewest);
    if (n < fewest) fewest = n, best = static_cast<int>(k);
  }
  if (tie) return std::nullopt;
  return verdict == best;
}

}  // namespace

void Measure::add(const Item& item, std::string_view thought, std::optional<int> verdict, std::optional<double> p,
                  std::optional<double> listener) {
  std::vector<Ratio> row(kMetrics);
  const auto count = [&](int metric, double value) {
    row[index(metric)].sum += value;
    row[index(metric)].n += 1;
  };
  Said said;
  const ThoughtCheck check = check_thought(thought, item);
  for (const MediumCheck& medium : check.media) {
    for (int a = 0; a < kAttributes; ++a) {
      const Mark mark = medium.marks[static_cast<std::size_t>(a)];
      if (mark == Mark::kNotApplicable) continue;
      count(kAttributeAccuracy, mark == Mark::kRight);
      count(kAccuracyOf + a, mark == Mark::kRight);
    }
    for (int d = 0; d < kDefects; ++d) {
      const bool claimed = medium.claimed.has(static_cast<Defect>(d)), actual = medium.actual.has(static_cast<Defect>(d));
      if (actual) count(kDefectRecall, claimed), count(kRecallOf + d, claimed);
      if (claimed) count(kDefectPrecision, actual), count(kPrecisionOf + d, actual);
    }
  }
  row[kThoughtTruth] = {static_cast<double>(check.true_statements()), static_cast<double>(check.statements())};
  count(kWellFormed, check.well_formed);
  if (item.votes.voters > 0) {
    const bool chosen = verdict && *verdict >= 0 && *verdict < static_cast<int>(item.scenes.size());
    unparsed_verdicts_ += !verdict;
    const bool right = chosen && item.votes.ranking[static_cast<std::size_t>(*verdict)] == 1;
    count(kVerdictAccuracy, right);
    count(kNaiveAccuracy, naive_credit(item));
    count(kBayesAccuracy, bayes_credit(item));
    if (chosen) count(kFirstShare, *verdict == 0);
    if (chosen && listener) {
      const bool agrees = (*listener > 0.5) == (*verdict == 0);
      count(kContradiction, !agrees);
      count(agrees ? kAccuracyAgreed : kAccuracyContradicted, right);
    }
    if (const auto follows = follows_faults(check, verdict)) count(kFollowsFaults, *follows);
    if (item.scenes.size() == 2) {
      said.q = item.share();
      if (p && std::isfinite(*p)) said.p = p;
      said.heard = listener;
      count(kBrier, std::pow(said.p.value_or(0.5) - item.share(), 2));
      count(kBrierTrue, std::pow(said.p.value_or(0.5) - item.p_true(), 2));
    }
  }
  ids_.push_back(item.id);
  rows_.push_back(std::move(row));
  said_.push_back(said);
}

Json Measure::row(std::size_t i) const {
  Json out = {{"id", ids_[i]}};
  for (int m = 0; m < kNamedMetrics; ++m)
    if (const Ratio& r = rows_[i][index(m)]; r.n > 0) out[kNames[index(m)]] = {r.sum, r.n};
  const Said& said = said_[i];
  for (const auto& [name, value] : {std::pair{"q", said.q}, {"p", said.p}, {"heard", said.heard}})
    if (value) out[name] = *value;
  return out;
}

Json Measure::report(std::uint64_t seed, int resamples) const {
  std::vector<Ratio> total = sum_rows(rows_);
  total.resize(kMetrics);
  const auto values = [](const std::vector<Ratio>& sums) {
    std::vector<double> out;
    for (const Ratio& r : sums) out.push_back(r.value());
    return out;
  };
  std::vector<std::optional<Interval>> intervals = bootstrap(rows_, values, seed, resamples);
  intervals.resize(kMetrics);
  const auto entry = [&](int metric) {
    const Ratio& r = total[index(metric)];
    Json json{{"value", nullptr}, {"n", static_cast<std::int64_t>(r.n)}, {"interval", nullptr}};
    if (r.n > 0) json["value"] = r.value();
    if (const auto& interval = intervals[index(metric)]) json["interval"] = {interval->low, interval->high};
    return json;
  };
  Json report{{"items", rows_.size()}, {"unparsed_verdicts", unparsed_verdicts_}};
  for (int m = 0; m < kNamedMetrics; ++m) report[kNames[index(m)]] = entry(m);
  for (int d = 0; d < kDefects; ++d)
    report["by_defect"][std::string(name_of(static_cast<Defect>(d)))] = {{"recall", entry(kRecallOf + d)},
                                                                         {"precision", entry(kPrecisionOf + d)}};
  for (int a = 0; a < kAttributes; ++a) report["by_attribute"][std::string(name_of(static_cast<Attribute>(a)))] = entry(kAccuracyOf + a);
  return report;
}

}  // namespace beholder::world
