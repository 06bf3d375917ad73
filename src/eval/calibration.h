// How far a judge's probabilities can be trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace beholder::eval {

// One forecast: how sure it was of its choice, in [0.5, 1], and how right the choice was: the share of people who made it (of one
// label 1 or 0; 1/2 where it chose neither).
struct Forecast {
  double confidence = 0.5, correct = 0;
};

// Of the probability p that the first medium is preferred, where the share q preferred it.
Forecast forecast_of(double p, double q);

struct ReliabilityBin {
  double low = 0, high = 0;             // confidences in it
  double confidence = 0, accuracy = 0;  // means
  std::int64_t n = 0;
};

inline constexpr int kReliabilityBins = 15;

// Equal-mass bins by ascending confidence: sizes differ by at most one, the larger ones first; fewer where there are fewer forecasts.
// Forecasts of equal confidence count with their common mean, so that their order does not matter.
std::vector<ReliabilityBin> reliability_bins(std::vector<Forecast> forecasts, int bins = kReliabilityBins);

// sum_b n_b / n * |accuracy_b - confidence_b| (Naeini et al. 2015, with equal-mass bins); NaN for none.
double expected_calibration_error(const std::vector<ReliabilityBin>& bins);

// Against a share q: (p - q)^2, and the cross-entropy -(q ln p + (1 - q) ln(1 - p)) with p clipped to [1e-6, 1 - 1e-6].
double brier(double p, double q);
double negative_log_likelihood(double p, double q);

}  // namespace beholder::eval
