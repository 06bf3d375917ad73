// Logistic regression on answer differences with weights that are never negative and no intercept (VisionReward, arXiv 2412.21059,
// Algorithm 1): minimise over w >= 0
//   (1/n) sum_i c_i log(1 + exp(-s_i x_i.w)) + l1 sum_j w_j + (l2/2) |w|^2,   n = sum_i c_i,
// where x_i is the values of pair i's first medium minus those of its second, s_i = +1 where the first was preferred, -1 otherwise.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace beholder::checklist {

struct LogisticProblem {
  std::size_t features = 0;
  std::vector<double> x;      // [pairs, features], row-major
  std::vector<double> sign;   // [pairs]: +1 or -1
  std::vector<double> count;  // [pairs]: how often each pair counts; empty: once
  double l1 = 0, l2 = 0;
  std::vector<bool> frozen;  // [features]: weights held at 0; empty: none

  std::size_t pairs() const { return sign.size(); }
  std::span<const double> row(std::size_t i) const { return {x.data() + i * features, features}; }
  double margin(std::size_t i, std::span<const double> w) const;  // x_i.w
  double loss(std::span<const double> w) const;                   // the whole objective
  // The gradient, and where `hessian` is given the second derivatives, row-major.
  void derivatives(std::span<const double> w, std::vector<double>& gradient, std::vector<double>* hessian) const;
};

struct LogisticFit {
  std::vector<double> weights;
  double loss = 0;
  int iterations = 0;  // Newton steps, or passes over the pairs
  bool converged = false;
};

// Projected Newton (Bertsekas 1982) with backtracking, from `start` (empty: 0). Converged where a projected gradient step moves no
// weight by more than 1e-9. Weights that the data leaves open stay where they start.
LogisticFit fit_newton(const LogisticProblem& problem, std::span<const double> start = {});

// The paper's algorithm: one pair after another w += rate (y - p) x, and after each pass every negative weight becomes 0; ends when a pass
// changes w by less than `tolerance` (Euclidean). The paper gives neither number. The rate falls with the passes (rate / (1 + pass / 20)):
// at a constant one the result depends on the order of the pairs.
struct PassOptions {
  double rate = 0.05, tolerance = 1e-5;
  int max_passes = 20000;
};
LogisticFit fit_passes(const LogisticProblem& problem, const PassOptions& options = {});

}  // namespace beholder::checklist
