#include "eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace beholder::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void share_equal_confidences(std::vector<Forecast>& sorted) {
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    double sum = 0;
    while (end < sorted.size() && sorted[end].confidence == sorted[i].confidence) sum += sorted[end++].correct;
    for (std::size_t k = i; k < end; ++k) sorted[k].correct = sum / static_cast<double>(end - i);
    i = end;
  }
}

}  // namespace

Forecast forecast_of(double p, double q) {
  return {std::max(p, 1 - p), p == 0.5 ? 0.5 : p > 0.5 ? q : 1 - q};
}

std::vector<ReliabilityBin> reliability_bins(std::vector<Forecast> forecasts, int bins) {
  require_internal(bins >= 1, "at least one reliability bin");
  std::sort(forecasts.begin(), forecasts.end(), [](const Forecast& a, const Forecast& b) { return a.confidence < b.confidence; });
  share_equal_confidences(forecasts);
  std::vector<ReliabilityBin> out;
  const std::size_t n = forecasts.size(), count = std::min<std::size_t>(static_cast<std::size_t>(bins), n);
  for (std::size_t b = 0, begin = 0; b < count; ++b) {
    const std::size_t end = begin + n / count + (b < n % count ? 1 : 0);
    ReliabilityBin bin{forecasts[begin].confidence, forecasts[end - 1].confidence, 0, 0, static_cast<std::int64_t>(end - begin)};
    for (; begin < end; ++begin) {
      bin.confidence += forecasts[begin].confidence / static_cast<double>(bin.n);
      bin.accuracy += forecasts[begin].correct / static_cast<double>(bin.n);
    }
    out.push_back(bin);
  }
  return out;
}

double expected_calibration_error(const std::vector<ReliabilityBin>& bins) {
  double sum = 0, n = 0;
  for (const ReliabilityBin& bin : bins) {
    sum += static_cast<double>(bin.n) * std::abs(bin.accuracy - bin.confidence);
    n += static_cast<double>(bin.n);
  }
  return n > 0 ? sum / n : kNaN;
}

double brier(double p, double q) {
  return (p - q) * (p - q);
}

double negative_log_likelihood(double p, double q) {
  const double clipped = std::clamp(p, 1e-6, 1 - 1e-6);
  return -(q * std::log(clipped) + (1 - q) * std::log(1 - clipped));
}

}  // namespace beholder::eval
