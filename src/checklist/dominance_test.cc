#include "checklist/dominance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "checklist/testing.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::checklist {
namespace {

// The checklist whose questions stand at the reference's places.
Checklist list_of(const Json& place) {
  std::string text = "title=\"t\"\nmedia=\"image\"\n";
  int dimension = -1, sub = -1, q = 0;
  for (const Json& p : place) {
    const bool fresh = p[1].get<int>() != sub;
    if (fresh && sub >= 0) text += "]\n";
    if (p[0].get<int>() != dimension) text += format("[[dimension]]\nname=\"d{}\"\n", dimension = p[0].get<int>());
    if (fresh) text += format("[[dimension.sub]]\nname=\"s{}\"\nlevels=[", sub = p[1].get<int>());
    text += format("[\"l{0}\",\"q{0}?\"],", q), ++q;
  }
  return parse_checklist(text + "]\n", "t");
}

std::vector<std::vector<std::size_t>> pairs_at(const Scoring& scoring, const std::vector<AnswerSheet>& sheets, Level level,
                                               double threshold) {
  std::vector<std::vector<double>> rewards;
  std::vector<double> totals;
  for (const AnswerSheet& sheet : sheets) {
    rewards.push_back(rewards_at(scoring, sheet, level));
    totals.push_back(rewards_at(scoring, sheet, Level::kTotal)[0]);
  }
  std::vector<std::vector<std::size_t>> out;
  for (const DominantPair& p : dominant_pairs(rewards, totals, threshold)) out.push_back({p.chosen, p.rejected});
  return out;
}

TEST(DominanceOracle, PairsOfEveryLevelAreTheReferences) {
  const Json json = read_json(kData + "mpo.json");
  const Checklist list = list_of(json["place"]);
  const Weights weights{.coef = json["weights"].get<std::vector<double>>()};
  std::vector<AnswerSheet> sheets;
  for (const Json& answers : json["answers"])
    sheets.push_back({.id = "a",
                      .prompt = {},
                      .media = {},
                      .p_yes = answers.get<std::vector<double>>(),
                      .counts = std::vector<bool>(answers.size(), true)});
  for (const Level level : kLevels)
    for (const double threshold : {0.0, 0.8}) {
      const Json& wanted = json["pairs"][format("{} {:.1f}", level_name(level), threshold)];
      EXPECT_EQ(pairs_at({list, weights}, sheets, level, threshold), wanted.get<std::vector<std::vector<std::size_t>>>())
          << level_name(level) << " " << threshold;
    }
}

TEST(Dominance, EqualCandidatesMakeNoPairAndMaskedAnswersBringNothing) {
  const Checklist list = parse_checklist(R"(
title = "t"
media = "image"
[[presence]]
id = "hands"
question = "hands?"
[[dimension]]
name = "A"
[[dimension.sub]]
name = "match"
alignment = true
[[dimension]]
name = "B"
[[dimension.sub]]
name = "hands"
needs = "hands"
levels = [["good", "good?"], ["fair", "fair?"]]
)",
                                         "t");
  const Weights weights{.coef = {2, 1, 1}};
  const auto sheet = [](std::vector<double> p) {
    return AnswerSheet{.id = "a", .prompt = {}, .media = {}, .alignment = 0.5, .p_yes = std::move(p), .counts = {true, true, true}};
  };
  const std::vector<AnswerSheet> sheets{sheet({0, 1, 1}), sheet({1, 0, 0}), sheet({1, 0, 1})};
  EXPECT_THAT(rewards_at({list, weights}, sheets[0], Level::kDimension),
              ::testing::ElementsAre(0.5, 0));  // no hands: masked answers bring nothing
  EXPECT_THAT(rewards_at({list, weights}, sheets[2], Level::kQuestion), ::testing::ElementsAre(0.5, 0, 1));
  EXPECT_THAT(rewards_at({list, weights, Coding::kSoft}, sheet({0.9, 0.5, 0.25}), Level::kQuestion),
              ::testing::ElementsAre(0.5, 0.5, 0.25));
  EXPECT_EQ(pairs_at({list, weights}, sheets, Level::kDimension, 0), (std::vector<std::vector<std::size_t>>{{2, 0}, {2, 1}}));
  EXPECT_TRUE(pairs_at({list, weights}, sheets, Level::kTotal, 1).empty());
}

// Without masks sum_d R_d is half the score and a constant, whatever the weights, codings and alignments.
TEST(DominanceInvariant, TheTotalOrdersAsTheScoreDoes) {
  const Checklist list = parse_checklist(R"(
title = "t"
media = "image"
[[dimension]]
name = "A"
[[dimension.sub]]
name = "match"
alignment = true
[[dimension]]
name = "B"
[[dimension.sub]]
name = "sharp"
levels = [["crisp", "crisp?"], ["sharp", "sharp?"], ["not blurred", "not blurred?"]]
)",
                                         "t");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, stable_hash("totals"));
    Weights weights{.coef = {}, .intercept = rng.normal()};
    for (int j = 0; j < 4; ++j) weights.coef.push_back(2 * rng.uniform());
    const Scoring scoring{list, weights, seed % 2 ? Coding::kSoft : Coding::kHard};
    const double constant = (std::accumulate(weights.coef.begin() + 1, weights.coef.end(), 0.0) - weights.intercept) / 2;
    for (int i = 0; i < 20; ++i) {
      AnswerSheet sheet{.id = "a", .prompt = {}, .media = {}, .alignment = rng.uniform(), .p_yes = {}, .counts = {true, true, true}};
      for (int q = 0; q < 3; ++q) sheet.p_yes.push_back(rng.uniform());
      const double total = rewards_at(scoring, sheet, Level::kTotal)[0];
      EXPECT_NEAR(total, score(weights, values_of(list, sheet, scoring.coding)) / 2 + constant, 1e-12);
    }
  }
}

}  // namespace
}  // namespace beholder::checklist
