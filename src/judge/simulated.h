// For tests and benchmarks: candidates of known strength before a judge that says probabilities. Its log-odds of a pair are the difference
// of strengths with a deviation of its own, which stays when the pair is asked again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/rng.h"
#include "judge/bradley_terry.h"

namespace beholder::judge {

struct Simulated {
  std::vector<double> truth;  // log-odds
  double noise;               // standard deviation of a pair's log-odds
  std::uint64_t seed;

  Simulated(int items, double spread, double pair_noise, std::uint64_t s) : noise(pair_noise), seed(s) {
    Rng rng(seed, 1);
    for (int i = 0; i < items; ++i) truth.push_back(spread * rng.normal());
  }

  Outcome ask(int i, int j) const {
    Rng rng(seed, 2, static_cast<std::uint64_t>(std::min(i, j)), static_cast<std::uint64_t>(std::max(i, j)));
    const double odds = truth[static_cast<std::size_t>(i)] - truth[static_cast<std::size_t>(j)] + (i < j ? noise : -noise) * rng.normal();
    return {i, j, win_probability(odds), 2};
  }

  std::vector<Outcome> ask_all() const {
    std::vector<Outcome> out;
    const int n = static_cast<int>(truth.size());
    for (int i = 0; i < n; ++i)
      for (int j = i + 1; j < n; ++j) out.push_back(ask(i, j));
    return out;
  }
};

}  // namespace beholder::judge
