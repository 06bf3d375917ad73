#include "train/advantage.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/error.h"

namespace beholder::train {
namespace {

constexpr double kEpsilon = 1e-4;  // TRL's
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

struct Moments {
  double mean = 0, deviation = 0;
  std::size_t n = 0;
};

Moments moments(std::span<const double> values) {
  Moments m;
  for (const double v : values)
    if (!std::isnan(v)) m.mean += v, ++m.n;
  if (m.n > 0) m.mean /= static_cast<double>(m.n);
  for (const double v : values)
    if (!std::isnan(v)) m.deviation += (v - m.mean) * (v - m.mean);
  m.deviation = m.n > 1 ? std::sqrt(m.deviation / static_cast<double>(m.n - 1)) : 0;
  return m;
}

double weighted_sum(const std::vector<double>& rewards, const std::vector<double>& weights) {
  double sum = 0;
  bool any = false;
  for (std::size_t k = 0; k < rewards.size(); ++k)
    if (!std::isnan(rewards[k])) sum += weights[k] * rewards[k], any = true;
  return any ? sum : kMissing;
}

void standardise(std::span<double> values, const Moments& centre, double deviation) {
  for (double& v : values) v = (v - centre.mean) / (deviation + kEpsilon);  // NaN stays NaN
}

// GDPO: every reward's own z-score in its group, weighted and summed.
std::vector<double> sum_of_normalised(const std::vector<std::vector<double>>& rewards, std::size_t group,
                                      const std::vector<double>& weights) {
  std::vector<double> sums(rewards.size(), 0.0), column(group);
  std::vector<bool> any(rewards.size(), false);
  for (std::size_t begin = 0; begin < rewards.size(); begin += group)
    for (std::size_t k = 0; k < weights.size(); ++k) {
      for (std::size_t g = 0; g < group; ++g) column[g] = rewards[begin + g][k];
      const Moments m = moments(column);
      standardise(column, m, m.deviation);
      for (std::size_t g = 0; g < group; ++g)
        if (!std::isnan(column[g])) sums[begin + g] += weights[k] * column[g], any[begin + g] = true;
    }
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (!any[i]) sums[i] = kMissing;
  return sums;
}

}  // namespace

Advantages compute_advantages(const std::vector<std::vector<double>>& rewards, std::size_t group, const AdvantageOptions& options) {
  require_internal(group > 0 && !rewards.empty() && rewards.size() % group == 0, "whole groups of completions");
  Advantages out;
  std::vector<double> sums;  // NaN where all are missing
  for (const auto& r : rewards) sums.push_back(weighted_sum(r, options.weights));
  const Moments batch = moments(sums);
  out.reward_mean = batch.mean;
  const double groups = static_cast<double>(rewards.size() / group);
  for (std::size_t begin = 0; begin < rewards.size(); begin += group) {
    const Moments m = moments(std::span(sums).subspan(begin, group));
    out.reward_std += m.deviation / groups;
    out.frac_reward_zero_std += (m.deviation < 1e-12) / groups;
  }
  if (options.multi_objective_aggregation == "normalize_then_sum") {
    out.values = sum_of_normalised(rewards, group, options.weights);
    const Moments all = moments(out.values);
    standardise(out.values, all, all.deviation);
  } else {
    out.values = sums;
    for (std::size_t begin = 0; begin < rewards.size(); begin += group) {
      const std::span<double> mine = std::span(out.values).subspan(begin, group);
      const Moments m = moments(mine);
      if (options.scale_rewards == "none")
        for (double& v : mine) v -= m.mean;
      else
        standardise(mine, m, options.scale_rewards == "batch" ? batch.deviation : m.deviation);
    }
  }
  for (double& v : out.values)
    if (std::isnan(v)) v = 0;
  return out;
}

bool is_flat(const std::vector<std::vector<double>>& group, const std::vector<double>& weights) {
  std::vector<double> sums;
  for (const auto& r : group) sums.push_back(weighted_sum(r, weights));
  return moments(sums).deviation < 1e-12;
}

}  // namespace beholder::train
