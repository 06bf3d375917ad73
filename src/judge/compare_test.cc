#include "judge/compare.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "judge/mock_sampler.h"

namespace beholder::judge {
namespace {

std::string answered(const std::string& answer, const std::string& thought = "seen") {
  return completion_text(thought, answer);
}

const CompareTask kTask{"a red circle", mock_medium("a.png", 8), mock_medium("b.png", 3)};

Comparison compare_one(const MockMind& mind, const JudgeOptions& options, const CompareTask& task = kTask) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, mind);
  Judge judge(spec, sampler);
  return compare(judge, std::span(&task, 1), options).at(0);
}

// Sees the better one with a lean of `lean` (in logits) towards whatever is shown first.
MockMind leaning(double lean) {
  return [lean](const std::vector<double>& q, int, std::uint64_t) {
    const double p = 1 / (1 + std::exp(-(q[0] - q[1]) / 5 - lean));
    return MockAnswer{answered(p > 0.5 ? "1" : "2"), {p, 1 - p}};
  };
}

TEST(Compare, SoftReadsTheIndexTokensAtTheDecisionAndAveragesBothOrders) {
  JudgeOptions options;
  const Comparison c = compare_one(leaning(2.0), options);
  const double straight = 1 / (1 + std::exp(-3.0)), swapped = 1 / (1 + std::exp(-1.0));  // p(first shown)
  EXPECT_NEAR(c.p, (straight + 1 - swapped) / 2, 1e-6);
  ASSERT_EQ(c.votes.size(), 2U);
  EXPECT_NEAR(c.votes[0].p, straight, 1e-6);
  EXPECT_NEAR(c.votes[1].p, 1 - swapped, 1e-6);
  EXPECT_EQ(c.votes[0].choice, 1);
  EXPECT_EQ(c.votes[1].choice, 2) << "shown first, so chosen: medium 2 of the task";
  EXPECT_EQ(c.consistent, false);
  EXPECT_EQ(c.choice, 1);
  EXPECT_EQ(c.unparsed, 0);
  EXPECT_GT(c.usage.prompt_tokens, 0);
  EXPECT_EQ(compare_one(leaning(0.1), options).consistent, true);
}

TEST(Compare, SoftFindsTheDecisionBehindWhitespaceTokens) {
  const MockMind mind = [](const std::vector<double>&, int, std::uint64_t) {
    return MockAnswer{"<think>2 or 1?</think>\n<answer>\n \n2\n</answer>", {0.25, 0.75}};
  };
  JudgeOptions options;
  options.both_orders = false;
  const Comparison c = compare_one(mind, options);
  EXPECT_NEAR(c.p, 0.25, 1e-6);
  EXPECT_EQ(c.choice, 2);
  EXPECT_FALSE(c.consistent.has_value()) << "one order cannot agree with itself";
}

TEST(Compare, SoftChoiceIsTheLikelierIndexEvenWhenTheOtherWasSampled) {
  const MockMind mind = [](const std::vector<double>&, int, std::uint64_t) { return MockAnswer{answered("1"), {0.4, 0.6}}; };
  JudgeOptions options;
  options.both_orders = false;
  EXPECT_EQ(compare_one(mind, options).votes[0].choice, 2);
}

TEST(Compare, SelectTakesTheShareOfVotes) {
  const MockMind mind = [](const std::vector<double>& q, int vote, std::uint64_t) {
    const bool first = vote < 4;  // 4 of 5 for the first shown in order 12, 1 of 5 for it in order 21
    const bool swapped = q[0] < q[1];
    return MockAnswer{answered(first != swapped ? "1" : "2"), {}};
  };
  JudgeOptions options;
  options.answer = "select";
  options.votes = 5;
  const Comparison c = compare_one(mind, options);
  EXPECT_NEAR(c.p, 0.8, 1e-12);
  EXPECT_EQ(c.votes.size(), 10U);
  EXPECT_EQ(c.consistent, true);
  EXPECT_EQ(c.votes[9].p, 0.0);
}

TEST(Compare, ScoreIsTheSigmoidOfOneVoteAndTheMajorityOfMany) {
  const MockMind mind = [](const std::vector<double>& q, int vote, std::uint64_t) {
    return MockAnswer{answered(vote == 3 ? "5 5" : format("{} {}", q[0], q[1])), {}};
  };
  JudgeOptions options;
  options.answer = "score";
  options.tau = 2;
  const Comparison one = compare_one(mind, options);
  EXPECT_NEAR(one.p, 1 / (1 + std::exp(-2.5)), 1e-9);
  EXPECT_EQ(one.votes[1].scores, (std::vector<double>{8, 3})) << "in the task's order";
  options.votes = 4;
  const Comparison many = compare_one(mind, options);
  EXPECT_NEAR(many.p, 3.5 / 4, 1e-12) << "equal scores count half";
  EXPECT_EQ(many.votes[3].choice, 0);
}

TEST(Compare, UnparsedVotesAreCountedAndNeverGuessed) {
  JudgeOptions options;
  options.votes = 2;
  const MockMind half = [](const std::vector<double>& q, int vote, std::uint64_t) {
    return vote == 0 ? MockAnswer{"<think>I do not know \xC3\xA9", {}, false}
                     : MockAnswer{answered(q[0] > q[1] ? "1" : "2"), {q[0] / 11, q[1] / 11}};
  };
  const Comparison c = compare_one(half, options);
  EXPECT_EQ(c.unparsed, 2);
  EXPECT_NEAR(c.p, 8.0 / 11, 1e-6);
  EXPECT_NE(c.votes[0].problem.find("cut off"), std::string::npos);
  EXPECT_EQ(c.votes[0].thought, "I do not know \xC3\xA9") << "whole characters, though each byte is a token";
  EXPECT_EQ(c.votes[0].choice, 0);

  const MockMind none = [](const std::vector<double>&, int, std::uint64_t) { return MockAnswer{"the first one", {}}; };
  const Comparison nothing = compare_one(none, options);
  EXPECT_EQ(nothing.p, 0.5);
  EXPECT_EQ(nothing.unparsed, 4);
  EXPECT_FALSE(nothing.consistent.has_value());
  EXPECT_EQ(to_json(nothing)["unparsed"], 4);
  EXPECT_TRUE(to_json(nothing)["votes"][0]["probability"].is_null());
  EXPECT_EQ(to_json(nothing)["votes"][0]["completion"], "the first one");

  const MockMind one_order = [](const std::vector<double>& q, int, std::uint64_t) {
    return q[0] < q[1] ? MockAnswer{"?", {}} : MockAnswer{answered("1"), {0.9, 0.1}};
  };
  const Comparison straight_only = compare_one(one_order, options);
  EXPECT_NEAR(straight_only.p, 0.9, 1e-6);
  EXPECT_FALSE(straight_only.consistent.has_value());
}

TEST(Compare, SamplingFollowsTheOptions) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, leaning(0));
  Judge judge(spec, sampler);
  JudgeOptions options;
  options.batch_size = 3;
  options.seed = 11;
  const std::vector<CompareTask> tasks{kTask, {"another", kTask.second, kTask.first}};
  std::vector<std::int64_t> progress;
  const auto comparisons = compare(judge, tasks, options, [&](std::int64_t done, std::int64_t) { progress.push_back(done); });
  ASSERT_EQ(sampler.calls.size(), 2U) << "four questions in batches of three";
  EXPECT_EQ(sampler.calls[0].temperature, 0);
  EXPECT_EQ(sampler.calls[0].seed, 11U);
  EXPECT_EQ(sampler.calls[0].watch_ids.size(), 2U);
  EXPECT_EQ(sampler.calls[0].max_new_tokens, 512);
  EXPECT_EQ(progress.back(), 4);
  EXPECT_NEAR(comparisons[0].p + comparisons[1].p, 1, 1e-9);
  EXPECT_NE(sampler.asked[0].item, sampler.asked[1].item) << "the two orders draw different numbers";
  options.votes = 3;
  options.answer = "select";
  compare(judge, tasks, options);
  EXPECT_EQ(sampler.calls.back().temperature, 1);
  EXPECT_TRUE(sampler.calls.back().watch_ids.empty());
  EXPECT_EQ(sampler.asked.back().num_generations, 3);
  options.temperature = 0;
  EXPECT_THROW(compare(judge, tasks, options), Error) << "three greedy votes are one vote";
}

TEST(Compare, AQuestionDrawsTheSameNumbersInAnyBatch) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, leaning(0));
  Judge judge(spec, sampler);
  const std::vector<CompareTask> tasks{{"x", kTask.second, kTask.first}, kTask};
  compare(judge, tasks, {});
  compare(judge, std::span(tasks).subspan(1), {});
  EXPECT_EQ(sampler.asked[2].item, sampler.asked[4].item);
  EXPECT_EQ(sampler.asked[2].prompt.ids, sampler.asked[4].prompt.ids);
}

TEST(Compare, JsonHasTheDocumentedShape) {
  const Json json = to_json(compare_one(leaning(0), {}));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"prompt", "media", "choice", "probability", "consistent", "tie", "unparsed", "votes", "tokens",
                                            "seconds"}));
  EXPECT_EQ(json["media"], Json({"a.png", "b.png"}));
  EXPECT_EQ(json["choice"], 1);
  EXPECT_EQ(json["consistent"], true);
  EXPECT_EQ(json["votes"][1]["order"], "21");
  EXPECT_EQ(json["votes"][1]["thought"], "seen");
  EXPECT_GT(json["tokens"]["completion"], 0);
  EXPECT_TRUE(json["seconds"].is_number());
}

}  // namespace
}  // namespace beholder::judge
