#include "eval/vote_curve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.h"

namespace beholder::eval {
namespace {

const VoteCurvePoint& at(const std::vector<VoteCurvePoint>& curve, int orders, int votes) {
  for (const VoteCurvePoint& p : curve)
    if (p.orders == orders && p.votes == votes) return p;
  throw std::out_of_range("no such point");
}

TEST(VoteCurve, PointsByHand) {
  // One thought says 0.9 or 0.2 of the first; both orders; the people prefer the first.
  const std::vector<PairVotes> pairs = {{.q = 1, .prompt = 0, .p = {{{0.9, 0.2}, {0.6, std::nullopt}}}}};
  const auto curve = vote_curve(pairs, {.prompt_tokens = 100, .completion_tokens = 10});
  ASSERT_EQ(curve.size(), 4u);
  EXPECT_DOUBLE_EQ(at(curve, 1, 1).accuracy, 0.5) << "0.9 and 0.6 are right, 0.2 and the unread one are not";
  EXPECT_NEAR(at(curve, 1, 1).brier, (0.01 + 0.64 + 0.16 + 0.25) / 4, 1e-12);
  EXPECT_DOUBLE_EQ(at(curve, 1, 2).accuracy, 1.0) << "0.55 and 0.6";
  EXPECT_DOUBLE_EQ(at(curve, 2, 1).accuracy, 0.5) << "0.75, and 0.2 alone";
  EXPECT_NEAR(at(curve, 2, 2).brier, std::pow(1 - (0.55 + 0.6) / 2, 2), 1e-12);
  EXPECT_DOUBLE_EQ(at(curve, 1, 1).tokens, 110);
  EXPECT_DOUBLE_EQ(at(curve, 2, 2).tokens, 240);
}

TEST(VoteCurve, EndsWithAllVotes) {
  const std::vector<PairVotes> pairs = {{.q = 1, .prompt = 0, .p = {{{0.9, 0.8, 0.1}, {}}}}};
  const auto curve = vote_curve(pairs, {});
  ASSERT_EQ(curve.size(), 3u) << "1, 2 and 3 thoughts";
  EXPECT_NEAR(at(curve, 1, 2).brier, 0.15 * 0.15, 1e-12) << "the third has no partner";
  EXPECT_NEAR(at(curve, 1, 3).brier, 0.16, 1e-12);
}

TEST(VoteCurve, TiesOfPeopleLeaveTheAccuracyAndOneOrderIsEnough) {
  const std::vector<PairVotes> pairs = {{.q = 0.5, .prompt = 0, .p = {{{0.9}, {}}}}, {.q = 0, .prompt = 1, .p = {{{0.4}, {}}}}};
  const auto curve = vote_curve(pairs, {});
  ASSERT_EQ(curve.size(), 1u);
  EXPECT_DOUBLE_EQ(curve[0].accuracy, 1);
  EXPECT_NEAR(curve[0].brier, (0.16 + 0.16) / 2, 1e-12);
  EXPECT_TRUE(vote_curve({}, {}).empty());
}

// Thoughts that are noisy around the truth: more of them must help, as the binomial says.
TEST(VoteCurve, MoreVotesHelpANoisyJudge) {
  std::vector<PairVotes> pairs;
  Rng rng(5);
  for (std::size_t i = 0; i < 2000; ++i) {
    PairVotes pair{.q = 1, .prompt = i, .p = {}};
    for (auto& order : pair.p)
      for (int v = 0; v < 4; ++v) order.emplace_back(rng.uniform() < 0.7 ? 0.8 : 0.2);
    pairs.push_back(pair);
  }
  const auto curve = vote_curve(pairs, {.prompt_tokens = 50, .completion_tokens = 20});
  EXPECT_NEAR(at(curve, 1, 1).accuracy, 0.7, 0.015);
  EXPECT_NEAR(at(curve, 1, 2).accuracy, 0.49, 0.02) << "a tie of two votes is wrong";
  double most = 0;  // more than 4 of 8
  for (int k = 5; k <= 8; ++k) most += std::tgamma(9) / std::tgamma(k + 1) / std::tgamma(9 - k) * std::pow(0.7, k) * std::pow(0.3, 8 - k);
  EXPECT_NEAR(at(curve, 2, 4).accuracy, most, 0.025);
  EXPECT_LT(at(curve, 2, 4).brier, at(curve, 1, 1).brier);
  ASSERT_TRUE(at(curve, 2, 4).accuracy_interval);
  EXPECT_LT(at(curve, 2, 4).accuracy_interval->low, at(curve, 2, 4).accuracy);
}

}  // namespace
}  // namespace beholder::eval
