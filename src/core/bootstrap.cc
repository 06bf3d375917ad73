#include "core/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rng.h"

namespace beholder {
namespace {

void add_row(std::vector<Ratio>& sums, const std::vector<Ratio>& row) {
  sums.resize(row.size());
  for (std::size_t m = 0; m < row.size(); ++m) sums[m].sum += row[m].sum, sums[m].n += row[m].n;
}

Rng rng_of_draw(std::uint64_t seed, int draw) {
  return Rng(seed, stable_hash("bootstrap"), static_cast<std::uint64_t>(draw));
}

}  // namespace

Interval middle_interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {at(0.025), at(0.975)};
}

std::vector<int> bootstrap_counts(std::size_t items, std::uint64_t seed, int draw) {
  Rng rng = rng_of_draw(seed, draw);
  std::vector<int> counts(items, 0);
  for (std::size_t i = 0; i < items; ++i) ++counts[rng.below(items)];
  return counts;
}

double Ratio::value() const {
  return n > 0 ? sum / n : std::numeric_limits<double>::quiet_NaN();
}

std::vector<Ratio> sum_rows(const std::vector<std::vector<Ratio>>& rows) {
  std::vector<Ratio> sums;
  for (const std::vector<Ratio>& row : rows) add_row(sums, row);
  return sums;
}

std::vector<std::optional<Interval>> bootstrap(const std::vector<std::vector<Ratio>>& rows, const Statistics& statistics,
                                               std::uint64_t seed, int resamples) {
  std::vector<std::vector<double>> draws;
  for (int b = 0; b < resamples && !rows.empty(); ++b) {
    Rng rng = rng_of_draw(seed, b);
    std::vector<Ratio> sums;
    for (std::size_t i = 0; i < rows.size(); ++i) add_row(sums, rows[rng.below(rows.size())]);
    const std::vector<double> values = statistics(sums);
    draws.resize(values.size());
    for (std::size_t s = 0; s < values.size(); ++s)
      if (!std::isnan(values[s])) draws[s].push_back(values[s]);
  }
  std::vector<std::optional<Interval>> out;
  for (std::vector<double>& d : draws) out.push_back(d.empty() ? std::nullopt : std::optional(middle_interval(std::move(d))));
  return out;
}

}  // namespace beholder
