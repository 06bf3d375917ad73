// Shares of counted things, with their intervals.
#pragma once

#include <utility>

namespace beholder {

inline constexpr double kZ95 = 1.959963984540054;  // of a normal: 95% lie within so many standard deviations of the mean

// Wilson's 95% interval of a share p of n; [0, 1] for n = 0.
std::pair<double, double> wilson_interval(double p, double n);

// Mean of two shares p of n and q of m, and its 95% interval from Wilson's of both (MOVER: Newcombe 1998, method 10, for a sum).
std::pair<double, double> mean_share_interval(double p, double n, double q, double m);

}  // namespace beholder
