#include "core/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "core/rng.h"

namespace beholder {
namespace {

std::vector<std::vector<Ratio>> coin_flips(int n, double p) {
  Rng rng(3);
  std::vector<std::vector<Ratio>> rows;
  for (int i = 0; i < n; ++i) {
    const double hit = rng.chance(p);
    rows.push_back({{hit, 1}, {0.5 * hit + (rng.chance(0.5) ? 0.25 : 0.0), 1}, {}});
  }
  return rows;
}

std::vector<double> values_and_difference(const std::vector<Ratio>& sums) {
  return {sums[0].value(), sums[1].value(), sums[0].value() - 2 * sums[1].value(), sums[2].value()};
}

TEST(Bootstrap, IntervalsAreAsWideAsTheTheorySays) {
  const int n = 2000;
  const auto intervals = bootstrap(coin_flips(n, 0.3), values_and_difference);
  ASSERT_EQ(intervals.size(), 4u);
  EXPECT_NEAR(intervals[0]->high - intervals[0]->low, 2 * 1.96 * std::sqrt(0.3 * 0.7 / n), 0.004);
  // Paired: what the two have in common cancels; the difference is -2 * 0.25 or 0 with even odds.
  EXPECT_NEAR(intervals[2]->high - intervals[2]->low, 2 * 1.96 * 0.25 / std::sqrt(n), 0.004);
  EXPECT_FALSE(intervals[3].has_value()) << "never defined";
}

TEST(Bootstrap, IsReproducibleAndCoversTheValue) {
  const auto rows = coin_flips(200, 0.5);
  const auto a = bootstrap(rows, values_and_difference, 7), b = bootstrap(rows, values_and_difference, 7),
             c = bootstrap(rows, values_and_difference, 8);
  EXPECT_EQ(a[0]->low, b[0]->low);
  EXPECT_NE(std::make_pair(a[1]->low, a[2]->high), std::make_pair(c[1]->low, c[2]->high));
  const double value = sum_rows(rows)[0].value();
  EXPECT_LT(a[0]->low, value);
  EXPECT_GT(a[0]->high, value);
  EXPECT_TRUE(bootstrap({}, values_and_difference).empty());
}

}  // namespace
}  // namespace beholder
