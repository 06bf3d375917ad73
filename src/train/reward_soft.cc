// The soft reward: the probability p of medium 1 at the decision, graded against the human share q [2503.19948 leaves the
// formula open]. brier and log are proper scoring rules: their expectation over votes is highest at p = q, and only there.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "train/rewards.h"

namespace beholder::train {
namespace {

constexpr double kLogEpsilon = 1e-3;  // p is clipped to [eps, 1 - eps] in the log score, so that it stays in [0, 1]

Grade log_score(double p, double q) {
  const double scale = std::log(1 / kLogEpsilon), inside = std::clamp(p, kLogEpsilon, 1 - kLogEpsilon);
  const double value = 1 + (q * std::log(inside) + (1 - q) * std::log(1 - inside)) / scale;
  return {value, inside == p ? (q / p - (1 - q) / (1 - p)) / scale : 0};
}

}  // namespace

Grade grade_soft(const Judged& answer, const RewardOptions& options, Decision) {
  require_internal(answer.p.has_value(), "the soft reward needs the probability at the decision");
  const double p = *answer.p, q = answer.q;
  if (options.soft_shape == "brier") return {1 - (p - q) * (p - q), -2 * (p - q)};
  if (options.soft_shape == "log") return log_score(p, q);
  if (options.soft_shape == "probability") return {preferred(p, q), q > 0.5 ? 1.0 : q < 0.5 ? -1.0 : 0.0};
  return {1 - std::abs(p - q), p > q ? -1.0 : p < q ? 1.0 : 0.0};  // linear
}

}  // namespace beholder::train
