#include "judge/adaptive.h"

#include <gtest/gtest.h>

#include <set>

#include "core/correlation.h"
#include "judge/rank.h"
#include "judge/simulated.h"

namespace beholder::judge {
namespace {

struct Ordered {
  std::int64_t comparisons = 0;
  double expected = 0, tau = 0, tau_to_all = 0, dispersion = 0;
};

Ordered order(const Simulated& judge, std::int64_t budget, double credible = 1) {
  const int n = static_cast<int>(judge.truth.size());
  AdaptiveOrder adaptive(n, judge.seed, 0.1);
  Ordered out;
  while (adaptive.expected_tau() < credible) {
    std::vector<Outcome> outcomes;
    for (const auto& [i, j] : adaptive.next())
      if (out.comparisons + std::ssize(outcomes) < budget) outcomes.push_back(judge.ask(i, j));
    if (outcomes.empty()) break;
    out.comparisons += std::ssize(outcomes);
    adaptive.add(outcomes);
  }
  out.expected = adaptive.expected_tau();
  out.dispersion = adaptive.dispersion();
  out.tau = kendall_tau_b(adaptive.fit().theta, judge.truth);
  out.tau_to_all = kendall_tau_b(adaptive.fit().theta, fit_bradley_terry(n, judge.ask_all()).theta);
  return out;
}

// Strengths and deviations as a judge trained on the embedded world shows them (docs/PERFORMANCE.md). What the posterior expects of its
// order is what it is worth.
// With the spread and the noise of the embedded judge (tools/judge_noise.py).
TEST(AdaptiveOrder, AnEighthOfThePairsGivesTheOrderOfSixtyFour) {
  double tau = 0, expected = 0, truth = 0;
  constexpr int kSeeds = 5;
  constexpr double kTau = RankOptions{}.credible;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Ordered o = order(Simulated(64, 1.15, 0.23, seed), AdaptiveOrder::default_budget(64), kTau);
    EXPECT_LE(o.comparisons, 64 * 63 / 2 / 8);
    tau += o.tau_to_all / kSeeds;
    truth += o.tau / kSeeds;
    expected += o.expected / kSeeds;
  }
  EXPECT_GE(tau, 0.95);
  EXPECT_NEAR(expected, truth, 0.03);
}

// Where strengths lie far apart, most pairs tell nothing; where they lie close, any pair is as good as another.
TEST(AdaptiveOrder, BeatsPairsDrawnAtRandomWhereStrengthsLieFarApart) {
  double adaptive = 0, random = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const Simulated judge(48, 4, 0.5, seed);
    adaptive += order(judge, 150).tau / 3;
    std::vector<Outcome> all = judge.ask_all();
    Rng(seed).shuffle(all);
    all.resize(150);
    for (Outcome& o : all) o.weight /= 0.1;
    random += kendall_tau_b(fit_bradley_terry(48, all).theta, judge.truth) / 3;
  }
  EXPECT_GT(adaptive, random + 0.02);
}

TEST(AdaptiveOrder, StopsWhenTheOrderIsKnownAndNoSooner) {
  const Ordered clear = order(Simulated(32, 5, 0.1, 1), 496, 0.9), blurred = order(Simulated(32, 0.3, 0.3, 1), 496, 0.9);
  EXPECT_LT(clear.comparisons, 120);
  EXPECT_GT(clear.tau, 0.85);
  EXPECT_EQ(blurred.comparisons, 496) << "near ties: every pair was asked";
}

TEST(AdaptiveOrder, AsksEachPairOnceAndNoItemTwiceInARound) {
  const Simulated judge(9, 1, 0.5, 3);
  AdaptiveOrder adaptive(9, 3, 0.1), again(9, 3, 0.1);
  std::set<std::pair<int, int>> seen;
  while (true) {
    const std::vector<std::pair<int, int>> round = adaptive.next();
    EXPECT_EQ(round, again.next()) << "not deterministic";
    EXPECT_LE(round.size(), 2U);
    if (round.empty()) break;
    std::set<int> items;
    std::vector<Outcome> outcomes;
    for (const auto& [i, j] : round) {
      EXPECT_LT(i, j);
      EXPECT_TRUE(seen.insert({i, j}).second);
      EXPECT_TRUE(items.insert(i).second && items.insert(j).second);
      if ((i + j) % 3 > 0) outcomes.push_back(judge.ask(i, j));  // of the others nothing could be read
    }
    adaptive.add(outcomes);
    again.add(outcomes);
  }
  EXPECT_EQ(seen.size(), 36U);
}

// Counted votes scatter as coin flips do, probabilities far less.
TEST(AdaptiveOrder, LearnsTheDispersion) {
  EXPECT_LT(order(Simulated(32, 1.3, 0.1, 4), 300).dispersion, 0.02);
  const Simulated judge(32, 1.3, 0, 4);
  AdaptiveOrder adaptive(32, 4, 0.1);
  Rng rng(8);
  for (int round = 0; round < 50; ++round) {
    std::vector<Outcome> outcomes;
    for (const auto& [i, j] : adaptive.next()) {
      Outcome o = judge.ask(i, j);
      o.weight = 5;
      double wins = 0;
      for (int k = 0; k < 5; ++k) wins += rng.chance(o.p) ? 1 : 0;
      o.p = wins / 5;
      outcomes.push_back(o);
    }
    adaptive.add(outcomes);
  }
  EXPECT_GT(adaptive.dispersion(), 0.6);
  EXPECT_LT(adaptive.dispersion(), 1.4);
}

}  // namespace
}  // namespace beholder::judge
