// Which pairs to compare, so that few comparisons give the order of many items. Rounds: fit Bradley-Terry to what is known, ask where the
// expected information gain is greatest, until the order is known well enough.
//
// Of the fit (judge/bradley_terry.h) with precision matrix H and m, v mean and variance of a difference theta_i - theta_j, one more
// comparison of the pair multiplies det H by 1 + g, g = v s (1 - s) / phi with s = sigmoid(m): its gain is log(1 + g) / 2 nats.
// phi is the dispersion of quasi-likelihood (McCullagh & Nelder 1989, sec. 4.5): how much less (below 1) or more the answers scatter than
// so many coin flips would. A judge that says probabilities scatters a hundred times less. Estimated from the residuals.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "judge/bradley_terry.h"

namespace beholder::judge {

class AdaptiveOrder {
 public:
  // `dispersion`: what phi is believed to be before there are more comparisons than items. Deterministic for a seed.
  AdaptiveOrder(int items, std::uint64_t seed, double dispersion);

  // The next round: pairs of different items, none of them twice, at most a quarter as many as there are items, the most informative first.
  // A pair is asked once. Empty: all have been.
  std::vector<std::pair<int, int>> next();
  // What came of pairs; one that brought nothing is left out.
  void add(std::span<const Outcome> outcomes);

  // Kendall's tau between the fit's order and the true one that the posterior expects: mean of erf(|m| / sqrt(2 v)) over pairs.
  double expected_tau() const;
  // With the posterior's deviations, phi in them.
  const BradleyTerry& fit() const { return fit_; }
  double dispersion() const { return dispersion_; }

  // 5/8 n log2 n, and never more than there are pairs.
  static std::int64_t default_budget(std::int64_t items);

 private:
  double variance(std::size_t i, std::size_t j) const;
  void refit();

  std::size_t n_;
  std::uint64_t seed_;
  double prior_dispersion_, dispersion_;
  std::vector<bool> asked_;  // n x n, above the diagonal
  std::vector<Outcome> outcomes_;
  BradleyTerry fit_;
};

}  // namespace beholder::judge
