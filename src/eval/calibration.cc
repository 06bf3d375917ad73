#include "eval/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace beholder::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// 1-based ranks; equal values share their mean rank.
std::vector<double> mean_ranks(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && x[order[end]] == x[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(i + end + 1);
    i = end;
  }
  return ranks;
}

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

double pearson(std::span<const double> x, std::span<const double> y) {
  require_internal(x.size() == y.size(), "equally long lists to correlate");
  const auto n = static_cast<double>(x.size());
  if (x.size() < 2) return kNaN;
  const double mx = std::accumulate(x.begin(), x.end(), 0.0) / n, my = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : kNaN;
}

double spearman(std::span<const double> x, std::span<const double> y) {
  return pearson(mean_ranks(x), mean_ranks(y));
}

double kendall_tau_b(std::span<const double> x, std::span<const double> y) {
  require_internal(x.size() == y.size(), "equally long lists to correlate");
  double score = 0, untied_x = 0, untied_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const int a = (x[i] > x[j]) - (x[i] < x[j]), b = (y[i] > y[j]) - (y[i] < y[j]);
      score += a * b;
      untied_x += a != 0;
      untied_y += b != 0;
    }
  return untied_x > 0 && untied_y > 0 ? score / std::sqrt(untied_x * untied_y) : kNaN;
}

}  // namespace beholder::eval
