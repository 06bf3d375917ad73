#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "report/svg.h"

namespace beholder::report {

std::vector<double> nice_ticks(double low, double high) {
  std::vector<double> out;
  if (!std::isfinite(low) || !std::isfinite(high) || !(high > low) || !std::isfinite(high - low)) return out;
  const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  const double step = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 2.5 ? 2.5 : ratio <= 5 ? 5 : 10);
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i < 12; ++i) {
    const double v = (first + i) * step;
    if (v > high + 1e-9 * step) break;
    out.push_back(v == 0 ? 0 : v);  // no "-0"
  }
  return out;
}

std::vector<double> log_ticks(double low, double high) {
  std::vector<double> out;
  if (!(low > 0) || !(high > low) || !std::isfinite(high)) return out;
  const int first = static_cast<int>(std::floor(std::log10(low))), last = static_cast<int>(std::ceil(std::log10(high)));
  const bool sparse = last - first <= 4;
  const int step = std::max(1, (last - first) / 8);
  for (int power = first; power <= last; power += step) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double v = digit * std::pow(10, power);
      if ((digit == 1 || sparse) && v >= low && v <= high) out.push_back(v);
    }
  }
  return out;
}

std::string tick_text(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e9 || size < 1e-3) return format("{:.3g}", value);
  if (size >= 1e6) return format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return format("{:.4g}k", value / 1e3);
  return format("{:.4g}", value);
}

}  // namespace beholder::report
