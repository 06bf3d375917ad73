#include "judge/adaptive.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/profile.h"
#include "core/rng.h"

namespace beholder::judge {
namespace {

constexpr double kPriorStrength = 5;        // standard deviation of strengths, in log-odds
constexpr double kPriorPulls = 10;          // so many residuals is the first belief about the dispersion worth
constexpr double kLeastDispersion = 0.005;  // answers that agree perfectly so far may not always

}  // namespace

AdaptiveOrder::AdaptiveOrder(int items, std::uint64_t seed, double dispersion)
    : n_(static_cast<std::size_t>(items)),
      seed_(seed),
      prior_dispersion_(dispersion),
      dispersion_(dispersion),
      asked_(n_ * n_, false),
      fit_(fit_bradley_terry(items, {})) {
  require_internal(items >= 2 && dispersion > 0, "items to order, and a dispersion");
}

double AdaptiveOrder::variance(std::size_t i, std::size_t j) const {
  return std::max(1e-12, fit_.covariance[i * n_ + i] + fit_.covariance[j * n_ + j] - 2 * fit_.covariance[i * n_ + j]);
}

std::vector<std::pair<int, int>> AdaptiveOrder::next() {
  const ProfileSpan span("choose pairs");
  struct Candidate {
    double gain;
    std::uint64_t draw;  // equal gains, as in the first round, are taken in a drawn order
    std::uint32_t i, j;
  };
  std::vector<Candidate> candidates;
  Rng rng(seed_, stable_hash("adaptive"), outcomes_.size());
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = i + 1; j < n_; ++j) {
      const std::uint64_t draw = rng.bits64();
      if (asked_[i * n_ + j]) continue;
      const double s = win_probability(fit_.theta[i] - fit_.theta[j]);
      candidates.push_back({variance(i, j) * s * (1 - s), draw, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
    }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.gain != b.gain ? a.gain > b.gain : a.draw < b.draw; });
  std::vector<std::pair<int, int>> round;
  std::vector<bool> used(n_, false);
  for (const Candidate& c : candidates) {
    if (round.size() >= std::max<std::size_t>(1, n_ / 4)) break;
    if (used[c.i] || used[c.j]) continue;
    used[c.i] = used[c.j] = true;
    asked_[c.i * n_ + c.j] = true;
    round.emplace_back(static_cast<int>(c.i), static_cast<int>(c.j));
  }
  return round;
}

void AdaptiveOrder::add(std::span<const Outcome> outcomes) {
  outcomes_.insert(outcomes_.end(), outcomes.begin(), outcomes.end());
  refit();
}

// One fit a round: its weights know the dispersion of the round before.
void AdaptiveOrder::refit() {
  std::vector<Outcome> weighted = outcomes_;
  for (Outcome& o : weighted) o.weight /= dispersion_;
  fit_ = fit_bradley_terry(static_cast<int>(n_), weighted, kPriorStrength, std::move(fit_.theta));
  const double freedom = static_cast<double>(outcomes_.size()) - static_cast<double>(n_ - 1);
  if (freedom <= 0) return;
  double pearson = 0;
  for (const Outcome& o : outcomes_) {
    const double s = win_probability(fit_.theta[static_cast<std::size_t>(o.first)] - fit_.theta[static_cast<std::size_t>(o.second)]);
    pearson += o.weight * (o.p - s) * (o.p - s) / std::max(1e-6, s * (1 - s));
  }
  dispersion_ = std::max(kLeastDispersion, (pearson + kPriorPulls * prior_dispersion_) / (freedom + kPriorPulls));
}

double AdaptiveOrder::expected_tau() const {
  double sum = 0;
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = i + 1; j < n_; ++j) sum += std::erf(std::abs(fit_.theta[i] - fit_.theta[j]) / std::sqrt(2 * variance(i, j)));
  return sum / (0.5 * static_cast<double>(n_) * static_cast<double>(n_ - 1));
}

std::int64_t AdaptiveOrder::default_budget(std::int64_t items) {
  const auto n = static_cast<double>(items);
  return std::min(items * (items - 1) / 2, std::max<std::int64_t>(1, std::llround(0.625 * n * std::log2(n))));
}

}  // namespace beholder::judge
