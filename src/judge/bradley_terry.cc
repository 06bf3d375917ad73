#include "judge/bradley_terry.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "core/cholesky.h"
#include "core/error.h"

namespace beholder::judge {
namespace {

using Vec = std::vector<double>;

double log_sigmoid(double x) {
  return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x));
}

struct Problem {
  std::size_t n;
  std::span<const Outcome> outcomes;
  double precision;  // of the prior

  double log_posterior(const Vec& theta) const {
    double sum = 0;
    for (const Outcome& o : outcomes) {
      const double d = theta[static_cast<std::size_t>(o.first)] - theta[static_cast<std::size_t>(o.second)];
      sum += o.weight * (o.p * log_sigmoid(d) + (1 - o.p) * log_sigmoid(-d));
    }
    for (const double t : theta) sum -= 0.5 * precision * t * t;
    return sum;
  }

  // Gradient of the log-posterior and its negated Hessian.
  void derivatives(const Vec& theta, Vec& gradient, Vec& hessian) const {
    gradient.assign(n, 0);
    hessian.assign(n * n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      gradient[i] = -precision * theta[i];
      hessian[i * n + i] = precision;
    }
    for (const Outcome& o : outcomes) {
      const auto i = static_cast<std::size_t>(o.first), j = static_cast<std::size_t>(o.second);
      const double s = win_probability(theta[i] - theta[j]);
      const double g = o.weight * (o.p - s), h = o.weight * s * (1 - s);
      gradient[i] += g;
      gradient[j] -= g;
      hessian[i * n + i] += h;
      hessian[j * n + j] += h;
      hessian[i * n + j] -= h;
      hessian[j * n + i] -= h;
    }
  }
};

// Newton with step halving; the log-posterior is strictly concave, so this converges from anywhere.
Vec maximise(const Problem& problem, Vec theta) {
  Vec gradient, hessian;
  double value = problem.log_posterior(theta);
  for (int iteration = 0; iteration < 100; ++iteration) {
    problem.derivatives(theta, gradient, hessian);
    const Vec step = Cholesky(std::move(hessian), problem.n).solve(gradient);
    double largest = 0, scale = 1;
    for (const double s : step) largest = std::max(largest, std::abs(s));
    Vec next = theta;
    for (int halving = 0; halving < 60; ++halving, scale /= 2) {
      for (std::size_t i = 0; i < problem.n; ++i) next[i] = theta[i] + scale * step[i];
      if (problem.log_posterior(next) >= value) break;
    }
    const double next_value = problem.log_posterior(next);
    if (next_value < value) break;  // only rounding is left
    theta = std::move(next);
    value = next_value;
    if (largest < 1e-12) break;
  }
  return theta;
}

}  // namespace

BradleyTerry fit_bradley_terry(int items, std::span<const Outcome> outcomes, double prior_sd, Vec start) {
  require_internal(items >= 1 && prior_sd > 0, "items and a prior for Bradley-Terry");
  for (const Outcome& o : outcomes) {
    const bool indices = o.first >= 0 && o.second >= 0 && o.first < items && o.second < items && o.first != o.second;
    require_internal(indices && o.p >= 0 && o.p <= 1 && o.weight > 0, "a Bradley-Terry outcome in range");
  }
  const auto n = static_cast<std::size_t>(items);
  const Problem problem{n, outcomes, 1 / (prior_sd * prior_sd)};
  start.resize(n, 0);
  BradleyTerry fit{maximise(problem, std::move(start)), Vec(n, 0), {}};
  double mean = 0;
  for (const double t : fit.theta) mean += t / items;
  for (double& t : fit.theta) t -= mean;  // zero but for rounding

  Vec gradient, hessian;
  problem.derivatives(fit.theta, gradient, hessian);
  const Cholesky cholesky(std::move(hessian), n);
  for (std::size_t i = 0; i < n; ++i) {
    Vec centred(n, -1.0 / items);  // row i of I - 11'/n; 1 is an eigenvector of the Hessian, so projecting once is enough
    centred[i] += 1;
    const Vec row = cholesky.solve(std::move(centred));
    fit.std_dev[i] = std::sqrt(std::max(0.0, row[i]));
    fit.covariance.insert(fit.covariance.end(), row.begin(), row.end());
  }
  return fit;
}

}  // namespace beholder::judge
