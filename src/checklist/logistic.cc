#include "checklist/logistic.h"

#include <algorithm>
#include <cmath>

#include "core/cholesky.h"
#include "core/error.h"

namespace beholder::checklist {
namespace {

using Vec = std::vector<double>;

double log1p_exp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double total_count(const LogisticProblem& p) {
  if (p.count.empty()) return static_cast<double>(p.pairs());
  double n = 0;
  for (const double c : p.count) n += c;
  return n;
}

double projected(double w) {
  return std::max(0.0, w);
}

// The largest change that a projected gradient step of length 1 makes: 0 at the optimum.
double violation(const LogisticProblem& p, const Vec& w, const Vec& g) {
  double largest = 0;
  for (std::size_t j = 0; j < w.size(); ++j)
    if (p.frozen.empty() || !p.frozen[j]) largest = std::max(largest, std::abs(w[j] - projected(w[j] - g[j])));
  return largest;
}

// Newton's direction for the weights that are free to move. A weight at or near 0 that the gradient pushes down goes to 0 by itself:
// within Newton's system it would cut the step short for all others.
Vec direction(const LogisticProblem& p, const Vec& w, const Vec& g, const Vec& hessian) {
  const double near = std::min(1e-3, violation(p, w, g));
  std::vector<std::size_t> free;
  Vec out(w.size(), 0);
  for (std::size_t j = 0; j < w.size(); ++j) {
    if (w[j] <= near && g[j] > 0)
      out[j] = -w[j];
    else if (p.frozen.empty() || !p.frozen[j])
      free.push_back(j);
  }
  const std::size_t n = free.size();
  Vec h(n * n), b(n);
  double trace = 0;
  for (std::size_t a = 0; a < n; ++a) {
    b[a] = -g[free[a]];
    trace += hessian[free[a] * w.size() + free[a]];
    for (std::size_t c = 0; c < n; ++c) h[a * n + c] = hessian[free[a] * w.size() + free[c]];
  }
  for (std::size_t a = 0; a < n; ++a) h[a * n + a] += 1e-10 * (trace + 1e-10);  // equal columns leave it singular
  if (n == 0) return out;
  const Vec d = Cholesky(std::move(h), n).solve(std::move(b));
  for (std::size_t a = 0; a < n; ++a) out[free[a]] = d[a];
  return out;
}

}  // namespace

double LogisticProblem::margin(std::size_t i, std::span<const double> w) const {
  const std::span<const double> r = row(i);
  double sum = 0;
  for (std::size_t j = 0; j < features; ++j) sum += r[j] * w[j];
  return sum;
}

double LogisticProblem::loss(std::span<const double> w) const {
  double sum = 0;
  for (std::size_t i = 0; i < pairs(); ++i)
    if (count.empty() || count[i] > 0) sum += (count.empty() ? 1 : count[i]) * log1p_exp(-sign[i] * margin(i, w));
  sum /= total_count(*this);
  for (const double v : w) sum += l1 * v + 0.5 * l2 * v * v;
  return sum;
}

void LogisticProblem::derivatives(std::span<const double> w, Vec& gradient, Vec* hessian) const {
  const double n = total_count(*this);
  gradient.assign(features, 0);
  if (hessian) hessian->assign(features * features, 0);
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < pairs(); ++i) {
    const double c = (count.empty() ? 1 : count[i]) / n;
    if (c == 0) continue;
    const std::span<const double> r = row(i);
    const double p = sigmoid(sign[i] * margin(i, w));
    used.clear();
    for (std::size_t j = 0; j < features; ++j)
      if (r[j] != 0) used.push_back(j);
    for (const std::size_t j : used) gradient[j] -= c * sign[i] * (1 - p) * r[j];
    if (!hessian) continue;
    const double curvature = c * p * (1 - p);
    for (const std::size_t j : used)
      for (const std::size_t k : used) {
        if (k > j) break;
        (*hessian)[j * features + k] += curvature * r[j] * r[k];
      }
  }
  for (std::size_t j = 0; j < features; ++j) gradient[j] += l1 + l2 * w[j];
  if (!hessian) return;
  for (std::size_t j = 0; j < features; ++j) {
    (*hessian)[j * features + j] += l2;
    for (std::size_t k = 0; k < j; ++k) (*hessian)[k * features + j] = (*hessian)[j * features + k];
  }
}

LogisticFit fit_newton(const LogisticProblem& p, std::span<const double> start) {
  require_internal(p.x.size() == p.pairs() * p.features && p.pairs() > 0, "a row per pair");
  LogisticFit fit;
  fit.weights.assign(p.features, 0);
  if (!start.empty()) fit.weights.assign(start.begin(), start.end());
  for (std::size_t j = 0; j < p.frozen.size(); ++j)
    if (p.frozen[j]) fit.weights[j] = 0;
  fit.loss = p.loss(fit.weights);
  Vec g, h, next(p.features);
  for (; fit.iterations < 200; ++fit.iterations) {
    p.derivatives(fit.weights, g, &h);
    fit.converged = violation(p, fit.weights, g) < 1e-9;
    if (fit.converged) break;
    const Vec d = direction(p, fit.weights, g, h);
    double step = 1, value = fit.loss, promised = 0;
    for (int halving = 0; halving < 60; ++halving, step /= 2) {
      promised = 0;
      for (std::size_t j = 0; j < p.features; ++j) {
        next[j] = projected(fit.weights[j] + step * d[j]);
        promised += g[j] * (fit.weights[j] - next[j]);
      }
      value = p.loss(next);
      if (fit.loss - value >= 1e-4 * promised) break;
    }
    if (!(value < fit.loss)) {  // only rounding is left
      fit.converged = violation(p, fit.weights, g) < 1e-6;
      break;
    }
    fit.weights = next;
    fit.loss = value;
  }
  return fit;
}

LogisticFit fit_passes(const LogisticProblem& p, const PassOptions& options) {
  require_internal(p.x.size() == p.pairs() * p.features && p.pairs() > 0, "a row per pair");
  LogisticFit fit;
  Vec& w = fit.weights;
  w.assign(p.features, 0);
  const double unit = static_cast<double>(p.pairs()) / total_count(p);  // so that a step's mean size does not grow with the counts
  for (; fit.iterations < options.max_passes && !fit.converged; ++fit.iterations) {
    const double rate = options.rate / (1 + fit.iterations / 20.0);
    const Vec before = w;
    for (std::size_t i = 0; i < p.pairs(); ++i) {
      const double push = unit * (p.count.empty() ? 1 : p.count[i]) * p.sign[i] * sigmoid(-p.sign[i] * p.margin(i, w));
      const std::span<const double> r = p.row(i);
      for (std::size_t j = 0; j < p.features; ++j) w[j] += rate * (push * r[j] - p.l1 - p.l2 * w[j]);
    }
    double change = 0;
    for (std::size_t j = 0; j < p.features; ++j) {
      w[j] = p.frozen.empty() || !p.frozen[j] ? projected(w[j]) : 0;
      change += (w[j] - before[j]) * (w[j] - before[j]);
    }
    fit.converged = std::sqrt(change) < options.tolerance;
  }
  fit.loss = p.loss(w);
  return fit;
}

}  // namespace beholder::checklist
