// Percentile bootstrap over items (prompts): the items are drawn again with replacement, whatever is computed from their sums is
// computed anew, and the middle 95% of the results is the interval. Things computed from one draw are paired.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace beholder {

// Most metrics are ratios of two sums over items.
struct Ratio {
  double sum = 0, n = 0;
  double value() const;  // NaN for n = 0
};

struct Interval {
  double low = 0, high = 0;
};

// From the sums over a draw of items, one value per statistic; NaN where it is not defined.
using Statistics = std::function<std::vector<double>(const std::vector<Ratio>& sums)>;

// rows[i]: item i's entries, equally many in each. One interval per statistic, nothing where it was never defined. Reproducible
// from `seed`.
std::vector<std::optional<Interval>> bootstrap(const std::vector<std::vector<Ratio>>& rows, const Statistics& statistics,
                                               std::uint64_t seed = 1, int resamples = 1000);

// The same for what is no function of sums. Draw number `draw` of `items` items: how often each of them was drawn.
std::vector<int> bootstrap_counts(std::size_t items, std::uint64_t seed, int draw);
// The middle 95% of what the draws gave; at least one value.
Interval middle_interval(std::vector<double> values);

// Entry-wise sums of all rows.
std::vector<Ratio> sum_rows(const std::vector<std::vector<Ratio>>& rows);

}  // namespace beholder
