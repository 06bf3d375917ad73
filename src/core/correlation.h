// Correlations of two equally long lists; NaN where one is constant or shorter than 2.
#pragma once

#include <span>

namespace beholder {

double pearson(std::span<const double> x, std::span<const double> y);
double spearman(std::span<const double> x, std::span<const double> y);  // of mean ranks
double kendall_tau_b(std::span<const double> x, std::span<const double> y);

}  // namespace beholder
