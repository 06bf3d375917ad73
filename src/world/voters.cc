#include "world/voters.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace beholder::world {

double penalty(const Taste& taste, DefectSet defects) {
  double sum = 0;
  for (int d = 0; d < kDefects; ++d)
    if (defects.has(static_cast<Defect>(d))) sum += taste[static_cast<std::size_t>(d)];
  return sum;
}

double preference(double penalty_first, double penalty_second) {
  return 1 / (1 + std::exp(penalty_first - penalty_second));
}

Votes vote(Rng& rng, std::span<const double> penalties, int voters) {
  const std::size_t media = penalties.size();
  Votes votes{.voters = voters, .first = std::vector<int>(media, 0), .ranking = std::vector<int>(media, 1)};
  std::vector<int> places(media, 0);  // sum over voters of how many media stood before this one
  std::vector<double> liking(media);
  for (int v = 0; v < voters; ++v) {
    for (std::size_t k = 0; k < media; ++k) liking[k] = -penalties[k] - std::log(-std::log(1 - rng.uniform() * (1 - 1e-12)));
    for (std::size_t k = 0; k < media; ++k)
      places[k] += static_cast<int>(std::count_if(liking.begin(), liking.end(), [&](double other) { return other > liking[k]; }));
    ++votes.first[static_cast<std::size_t>(std::max_element(liking.begin(), liking.end()) - liking.begin())];
  }
  for (std::size_t k = 0; k < media; ++k)
    votes.ranking[k] = 1 + static_cast<int>(std::count_if(places.begin(), places.end(), [&](int other) { return other < places[k]; }));
  return votes;
}

double majority_chance(double p, int voters) {
  require_internal(voters > 0 && voters % 2 == 1, "a majority needs an odd number of voters");
  double chance = 0;
  for (int k = voters / 2 + 1; k <= voters; ++k) {
    const double ways = std::exp(std::lgamma(voters + 1.0) - std::lgamma(k + 1.0) - std::lgamma(voters - k + 1.0));
    chance += ways * std::pow(p, k) * std::pow(1 - p, voters - k);
  }
  return chance;
}

double bayes_accuracy(double p, int voters) {
  const double first = majority_chance(p, voters);
  return std::max(first, 1 - first);
}

double naive_accuracy(int defects_first, int defects_second, double p, int voters) {
  if (defects_first == defects_second) return 0.5;
  const double first = majority_chance(p, voters);
  return defects_first < defects_second ? first : 1 - first;
}

}  // namespace beholder::world
