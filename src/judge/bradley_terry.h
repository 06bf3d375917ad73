// Strengths from pairwise outcomes (Bradley & Terry 1952): P(i beats j) = sigmoid(theta_i - theta_j), with the prior
// theta_i ~ N(0, prior_sd^2), which keeps the fit finite when one item wins everything. Newton's method on the concave
// log-posterior. Strengths sum to 0; the covariance is that of the centred strengths.
#pragma once

#include <cmath>
#include <span>
#include <vector>

namespace beholder::judge {

inline double win_probability(double theta_difference) {
  return 1 / (1 + std::exp(-theta_difference));
}

struct Outcome {
  int first = 0, second = 0;  // different items
  double p = 0.5;             // share of `weight` that the first won, in [0, 1]
  double weight = 1;          // number of trials behind p, > 0
};

struct BradleyTerry {
  std::vector<double> theta;       // strength per item, natural-log odds
  std::vector<double> std_dev;     // of theta, from the inverse Hessian of the log-posterior
  std::vector<double> covariance;  // items x items, row-major
};

// kInternal for outcomes that name no item or whose p or weight is out of range. `start`: strengths to begin from; empty: all 0.
BradleyTerry fit_bradley_terry(int items, std::span<const Outcome> outcomes, double prior_sd = 5.0, std::vector<double> start = {});

}  // namespace beholder::judge
