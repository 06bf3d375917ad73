#include <algorithm>
#include <cmath>

#include "checklist/fit.h"

namespace beholder::checklist {
namespace {

constexpr double kKept = 1e-8;

std::int64_t kept(const std::vector<double>& w) {
  return std::count_if(w.begin(), w.end(), [](double v) { return v > kKept; });
}

}  // namespace

std::vector<bool> frozen_by_path(const LogisticProblem& problem, std::int64_t keep) {
  LogisticProblem p = problem;
  p.l1 = 0;
  std::vector<double> g, best(p.features, 0);
  p.derivatives(std::vector<double>(p.features, 0), g, nullptr);
  const double most = std::max(1e-12, -*std::min_element(g.begin(), g.end()));  // from here on every weight is 0
  // The number of positive weights grows as the penalty falls, but for short exceptions: walk down, then halve the last step.
  double high = most, low = most;
  std::vector<double> w = best;
  for (int step = 0; step < 60; ++step, high = low) {
    low = high * 0.8;
    p.l1 = step == 59 ? 0 : low;
    w = fit_newton(p, w).weights;
    if (kept(w) > keep) break;
    best = w;
  }
  for (int halving = 0; halving < 20 && kept(w) > keep; ++halving) {
    p.l1 = std::sqrt(high * low);
    const std::vector<double> middle = fit_newton(p, best).weights;
    if (kept(middle) > keep)
      low = p.l1;
    else
      high = p.l1, best = middle;
    if (kept(best) == keep) break;
  }
  std::vector<bool> frozen(p.features);
  for (std::size_t j = 0; j < p.features; ++j) frozen[j] = best[j] <= kKept || (!problem.frozen.empty() && problem.frozen[j]);
  return frozen;
}

}  // namespace beholder::checklist
