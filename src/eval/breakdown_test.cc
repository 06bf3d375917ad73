#include "eval/breakdown.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "eval/model_wins.h"
#include "eval/testing.h"

namespace beholder::eval {
namespace {

TEST(Breakdown, ModelsWinByTheJudgeAndByPeople) {
  std::vector<data::Record> records;
  std::map<std::string, Scores> scores;
  const auto add = [&](const char* first_key, const char* second_key, const char* first, const char* second, double q, double margin) {
    records.push_back(voted(std::to_string(records.size()), q));
    records.back().meta = {{first_key, first}, {second_key, second}};
    scores[records.back().id] = {{margin}, {0}};
  };
  add("model1", "model2", "a", "b", 1, 2);
  add("left_model", "right_model", "b", "a", 0.25, 1);  // the judge says b
  add("model_0", "model_1", "a", "b", 0.5, 3);
  add("A_model", "B_model", "c", "a", 0, -1);
  add("model1", "model2", "a", "a", 1, 1);  // says nothing about two models
  add("model1", "other", "a", "b", 1, 1);   // who made the second is not known
  const JudgedSet set = judged(records, scores);
  const Json wins = breakdown(set).at("model_wins");
  EXPECT_EQ(wins.at("models"), (Json{"a", "b", "c"}));
  ASSERT_EQ(wins.at("cells").size(), 4u);
  const Json &a_b = wins["cells"][0], &b_a = wins["cells"][2];
  EXPECT_EQ(a_b.at("row"), 1);
  EXPECT_EQ(a_b.at("column"), 2);
  EXPECT_EQ(a_b.at("n"), 3);
  EXPECT_NEAR(a_b.at("judge").get<double>(), 2.0 / 3, 1e-15);
  EXPECT_NEAR(a_b.at("people").get<double>(), (1 + 0.75 + 0.5) / 3, 1e-15);
  EXPECT_NEAR(b_a.at("judge").get<double>(), 1.0 / 3, 1e-15);
  const Json two = model_wins(set, 2);
  EXPECT_EQ(two.at("models"), (Json{"a", "b"}));
  EXPECT_EQ(two.at("left_out"), 1);
  EXPECT_FALSE(breakdown(judged({voted("x", 1)}, {{"x", {{1}, {0}}}})).contains("model_wins"));
}

TEST(Breakdown, PartsStandInTheOrderOfTheirNumbers) {
  std::vector<data::Record> records;
  std::map<std::string, Scores> scores;
  for (const double q : {0.95, 0.55, 0.8, 0.65}) {
    records.push_back(voted(std::to_string(records.size()), q, static_cast<int>(100 * q) - 50));
    scores[records.back().id] = {{1}, {0}};
  }
  const Json parts = breakdown(judged(records, scores));
  std::vector<std::string> gaps, votes;
  for (const Json& part : parts.at("by_gap")) gaps.push_back(part.at("gap").get<std::string>());
  for (const Json& part : parts.at("by_votes")) votes.push_back(part.at("votes").get<std::string>());
  EXPECT_EQ(gaps, (std::vector<std::string>{"share 0-0.25", "share 0.25-0.5", "share 0.5-0.75", "share 0.75-1"}));
  EXPECT_EQ(votes, (std::vector<std::string>{"4-7", "8-15", "16-31", "32-63"}));
}

TEST(Breakdown, GapsVotesAndWorstErrors) {
  const JudgedSet set = judged({ranked("r", {1, 3, 3}), voted("sure", 0.95, 20), voted("split", 0.55, 9)},
                               {{"r", {{3}, {2}, {1}}}, {"sure", {{0}, {5}}}, {"split", {{0}, {1}}}}, 1);
  const Json parts = breakdown(set);
  ASSERT_EQ(parts.at("by_gap").size(), 3u);
  EXPECT_EQ(parts["by_gap"][0]["gap"], "rank +2");
  EXPECT_EQ(parts["by_gap"][0]["value"], 1);
  EXPECT_EQ(parts["by_gap"][1]["gap"], "share 0-0.25");
  EXPECT_EQ(parts["by_votes"][0]["votes"], "8-15");
  EXPECT_EQ(parts["win_matrix"]["cells"][0]["row"], 1);
  EXPECT_EQ(parts["metrics"]["accuracy"]["n"], 4);
  const auto worst = worst_errors(set, 5);
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(set.pairs[worst[0]].q, 0.95);
}

}  // namespace
}  // namespace beholder::eval
