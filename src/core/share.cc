#include "core/share.h"

#include <algorithm>
#include <cmath>

namespace beholder {
std::pair<double, double> wilson_interval(double p, double n) {
  if (!(n > 0)) return {0.0, 1.0};
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ95 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {std::clamp(centre - half, 0.0, p), std::clamp(centre + half, p, 1.0)};  // rounding must not cross p
}

std::pair<double, double> mean_share_interval(double p, double n, double q, double m) {
  const auto [p_low, p_high] = wilson_interval(p, n);
  const auto [q_low, q_high] = wilson_interval(q, m);
  const double mean = (p + q) / 2;
  return {mean - std::hypot(p - p_low, q - q_low) / 2, mean + std::hypot(p_high - p, q_high - q) / 2};
}

}  // namespace beholder
