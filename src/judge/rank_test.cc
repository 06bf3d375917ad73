#include "judge/rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/error.h"
#include "core/rng.h"
#include "judge/mock_sampler.h"
#include "judge/score.h"

namespace beholder::judge {
namespace {

// Prefers quality with Bradley-Terry noise; a lean towards the first place tests both orders. Says soft p and samples.
MockMind noisy(double lean = 0.8) {
  return [lean](const std::vector<double>& q, int vote, std::uint64_t item) {
    std::vector<double> p;
    double sum = 0;
    for (std::size_t i = 0; i < q.size(); ++i) sum += p.emplace_back(std::exp(q[i] + (i == 0 ? lean : 0)));
    for (double& x : p) x /= sum;
    double u = Rng(5, item, static_cast<std::uint64_t>(vote)).uniform();
    std::size_t pick = 0;
    while (pick + 1 < p.size() && u >= p[pick]) u -= p[pick++];
    return MockAnswer{completion_text(format("I like number {}.", pick + 1), std::to_string(pick + 1)), p};
  };
}

RankTask make_task(const std::vector<double>& qualities) {
  RankTask task{"a red circle", {}};
  for (std::size_t i = 0; i < qualities.size(); ++i) task.media.push_back(mock_medium(format("{}.png", i), qualities[i]));
  return task;
}

struct Ran {
  Ranking ranking;
  std::size_t questions = 0;
};

Ran run(const RankTask& task, const RankOptions& options, const MockMind& mind = noisy()) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, mind);
  Judge judge(spec, sampler);
  Ran out{rank(judge, std::span(&task, 1), options).at(0)};
  out.questions = sampler.asked.size();
  return out;
}

std::vector<int> indices(const Ranking& ranking) {
  std::vector<int> out;
  for (const RankedMedium& m : ranking.order) out.push_back(m.index);
  return out;
}

const std::vector<double> kQualities{-1.0, 2.0, 0.5, -2.5, 1.2, -0.2};
const std::vector<int> kBestFirst{1, 4, 2, 5, 0, 3};

TEST(Rank, EveryStrategyRecoversTheOrder) {
  for (const char* strategy : {"pairs", "adaptive", "anchors", "listwise"}) {
    for (const char* answer : {"soft", "select"}) {
      RankOptions options;
      options.strategy = strategy;
      options.answer = answer;
      options.votes = std::string(answer) == "select" ? 400 : 1;
      options.anchors = 3;
      const Ran r = run(make_task(kQualities), options, noisy(answer == std::string("soft") ? 0.8 : 0.0));
      EXPECT_EQ(indices(r.ranking), kBestFirst) << strategy << " " << answer;
      for (std::size_t i = 0; i < r.ranking.order.size(); ++i) {
        const RankedMedium& m = r.ranking.order[i];
        EXPECT_EQ(m.rank, static_cast<int>(i) + 1);
        EXPECT_LE(m.low, m.strength);
        EXPECT_GE(m.high, m.strength);
      }
      ASSERT_TRUE(r.ranking.order[0].reason.has_value());
      EXPECT_EQ(r.ranking.order[0].name, "1.png");
    }
  }
}

TEST(Rank, SoftPairsGiveBackTheLogOddsDespiteALeanToTheFirstPlace) {
  RankOptions options;
  const Ran r = run(make_task({1.0, 0.0, -1.0}), options, noisy(0.3));
  EXPECT_EQ(r.ranking.comparisons, 3);
  EXPECT_EQ(r.questions, 6U);
  EXPECT_NEAR(r.ranking.order[0].strength, 1.0, 0.08);  // both orders cancel the lean up to its curvature; the prior shrinks a little
  EXPECT_NEAR(r.ranking.order[1].strength, 0.0, 1e-3);
}

TEST(Rank, MoreVotesNarrowTheInterval) {
  RankOptions options;
  options.answer = "select";
  double last = 1e300;
  for (const int votes : {4, 16, 64}) {
    options.votes = votes;
    const Ran r = run(make_task({0.5, 0.0, -0.5}), options, noisy(0));
    const double width = r.ranking.order[1].high - r.ranking.order[1].low;
    EXPECT_LT(width, last * 0.75);
    last = width;
  }
}

TEST(Rank, DeterministicForASeedAndKeyedByContent) {
  for (const char* strategy : {"pairs", "adaptive", "anchors", "listwise"}) {
    RankOptions options;
    options.strategy = strategy;
    options.answer = "select";
    options.votes = 3;
    options.anchors = 2;
    auto dump = [&](std::int64_t seed) {
      options.seed = seed;
      Json json = to_json(run(make_task(kQualities), options).ranking);
      json.erase("seconds");
      for (Json& verdict : json["verdicts"]) verdict.erase("seconds");
      return json.dump();
    };
    EXPECT_EQ(dump(1), dump(1)) << strategy;
    if (strategy != std::string("pairs")) {
      EXPECT_NE(dump(1), dump(2)) << strategy;
    }
  }
}

TEST(Rank, DuplicatesAreAskedOnceAndShareTheirPlace) {
  for (const char* strategy : {"pairs", "adaptive", "anchors", "listwise"}) {
    RankTask task = make_task({0.0, 2.0, -2.0});
    task.media.push_back(mock_medium("copy.png", 2.0, "1.png"));  // hash of 1.png
    RankOptions options;
    options.strategy = strategy;
    const Ranking r = run(task, options).ranking;
    EXPECT_EQ(indices(r), (std::vector<int>{1, 3, 0, 2})) << strategy;
    EXPECT_EQ(r.order[0].strength, r.order[1].strength);
    EXPECT_EQ(r.order[1].rank, 1);
    EXPECT_EQ(r.order[2].rank, 3);
    EXPECT_EQ(r.comparisons, strategy == std::string("listwise") ? 2 : 3);
  }
  RankTask same = make_task({1.0, 1.0});
  same.media[1].hash = same.media[0].hash;
  const Ran r = run(same, RankOptions());
  EXPECT_EQ(r.questions, 0U);
  EXPECT_EQ(r.ranking.order[1].rank, 1);
}

TEST(Rank, AnchorsCostNTimesM) {
  RankOptions options;
  options.strategy = "anchors";
  options.anchors = 2;
  const Ran r = run(make_task(kQualities), options);
  EXPECT_EQ(r.ranking.comparisons, 6 * 2 - 2 - 1);  // no medium against itself, the two anchors meet once
  options.anchors = 100;
  EXPECT_EQ(run(make_task(kQualities), options).ranking.comparisons, 15) << "every medium an anchor: all pairs";
}

TEST(Rank, AdaptiveAsksFewPairsAndSaysHowSureItIs) {
  std::vector<double> qualities;
  for (int i = 0; i < 24; ++i) qualities.push_back(0.4 * ((i * 7) % 24));
  RankOptions options;
  options.strategy = "adaptive";
  const Ran r = run(make_task(qualities), options);
  EXPECT_LE(r.ranking.comparisons, AdaptiveOrder::default_budget(24));
  EXPECT_EQ(r.questions, 2 * static_cast<std::size_t>(r.ranking.comparisons));
  ASSERT_TRUE(r.ranking.expected_tau.has_value());
  double wrong = 0;
  for (std::size_t i = 0; i < 24; ++i)
    for (std::size_t j = i + 1; j < 24; ++j)
      wrong +=
          qualities[static_cast<std::size_t>(indices(r.ranking)[i])] < qualities[static_cast<std::size_t>(indices(r.ranking)[j])] ? 1 : 0;
  EXPECT_GT(1 - 2 * wrong / (24 * 23 / 2), 0.85);
  EXPECT_EQ(to_json(r.ranking)["expected_tau"], *r.ranking.expected_tau);
  options.max_comparisons = 10;
  EXPECT_EQ(run(make_task(qualities), options).ranking.comparisons, 10);
  options.max_comparisons = 0;
  options.credible = 0.3;
  EXPECT_LT(run(make_task(qualities), options).ranking.comparisons, r.ranking.comparisons / 2);
}

// Whether a ranking fits the model is known before its first round.
TEST(Rank, AdaptiveNamesTheLargestPairItMayAsk) {
  RankTask task = make_task({1, 0, 2, -1, 3, 5, -2, 4});
  task.media[3].media.h = 64;
  task.media[6].media.w = 96;
  RankOptions options;
  options.strategy = "adaptive";
  const Inquiry inquiry = rank_inquiry(task, std::make_shared<RankPlan>(plan_ranking(task, options)), options);
  ASSERT_TRUE(inquiry.largest.has_value());
  std::set<std::string> names;
  for (const Medium& m : inquiry.largest->media) names.insert(m.name);
  EXPECT_EQ(names, (std::set<std::string>{"3.png", "6.png"}));
}

// Rounds of several rankings go to the judge together; none of them notices.
TEST(RankInvariant, ARankingDoesNotDependOnItsBatchMates) {
  RankOptions options;
  options.strategy = "adaptive";
  const std::vector<RankTask> tasks{make_task({1, 0, 2, -1, 3, 5, -2, 4}), make_task({0, 2}), make_task(kQualities)};
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, noisy());
  Judge judge(spec, sampler);
  const std::vector<Ranking> together = rank(judge, tasks, options);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Ranking alone = run(tasks[i], options).ranking;
    ASSERT_EQ(indices(alone), indices(together[i])) << i;
    EXPECT_EQ(alone.comparisons, together[i].comparisons);
    EXPECT_EQ(alone.order[0].strength, together[i].order[0].strength);
  }
}

TEST(Rank, ListwiseShowsEachOrderAndItsReverse) {
  RankOptions options;
  options.strategy = "listwise";
  options.votes = 3;
  const Ranking r = run(make_task({0, 1, 2, 3}), options).ranking;
  ASSERT_EQ(r.list_votes.size(), 6U);
  for (std::size_t i = 0; i < 6; i += 2) {
    std::vector<int> reversed = r.list_votes[i].order;
    std::reverse(reversed.begin(), reversed.end());
    EXPECT_EQ(reversed, r.list_votes[i + 1].order);
  }
  double sum = 0;
  for (const RankedMedium& m : r.order) sum += m.strength;
  EXPECT_NEAR(sum, 1, 1e-9);
  const ListVote& vote = r.list_votes[0];
  EXPECT_EQ(static_cast<int>(std::max_element(vote.p.begin(), vote.p.end()) - vote.p.begin()) + 1, vote.choice);
  options.both_orders = false;
  const Ranking given = run(make_task({0, 1, 2, 3}), options).ranking;
  EXPECT_EQ(given.comparisons, 1);
  EXPECT_EQ(given.list_votes[2].order, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Rank, UnparsedVotesGiveAnHonestNothing) {
  const MockMind mute = [](const std::vector<double>&, int, std::uint64_t) { return MockAnswer{"no idea", {}}; };
  for (const char* strategy : {"pairs", "adaptive", "anchors", "listwise"}) {
    RankOptions options;
    options.strategy = strategy;
    const Ranking r = run(make_task({1, 2, 3}), options, mute).ranking;
    EXPECT_GT(r.unparsed, 0);
    for (const RankedMedium& m : r.order) {
      EXPECT_EQ(m.rank, 1) << strategy;
      EXPECT_FALSE(m.reason.has_value());
      EXPECT_GT(m.high - m.low, 0.9);
    }
  }
}

TEST(Rank, RefusesWhatCannotBeRanked) {
  const JudgeSpec spec = mock_spec();
  RankOptions options;
  EXPECT_THROW(plan_ranking(make_task({1}), options), Error);
  options.strategy = "listwise";
  EXPECT_THROW(plan_ranking(make_task(std::vector<double>(10, 1.0)), options), Error);
  options.strategy = "best";
  EXPECT_THROW(plan_ranking(make_task({1, 2}), options), Error);
}

TEST(Rank, JsonHasTheDocumentedShape) {
  RankOptions options;
  const Json json = to_json(run(make_task({1, 2}), options).ranking);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"prompt", "ranking", "comparisons", "strategy", "votes", "both_orders", "verdicts", "unparsed",
                                            "skipped", "tokens", "seconds"}));
  EXPECT_EQ(json["ranking"][0]["media"], "1.png");
  EXPECT_EQ(json["ranking"][0]["interval"].size(), 2U);
  EXPECT_EQ(json["verdicts"][0]["votes"].size(), 2U);
  options.strategy = "listwise";
  const Json list = to_json(run(make_task({1, 2, 3}), options).ranking);
  EXPECT_EQ(list["verdicts"].size(), 1U);
  EXPECT_EQ(list["verdicts"][0]["votes"][0]["probabilities"].size(), 3U);
}

TEST(Score, MeanOverTheReadableVotes) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, [](const std::vector<double>& q, int vote, std::uint64_t) {
    if (q[0] < 0) return MockAnswer{"none", {}};
    if (vote == 2) return MockAnswer{completion_text("x", "11"), {}};
    return MockAnswer{completion_text(format("vote {}", vote), format("{}", q[0] + vote)), {}};
  });
  Judge judge(spec, sampler);
  JudgeOptions options;
  options.votes = 3;
  const ScoreTask task{"p", {mock_medium("a", 6), mock_medium("b", -1), mock_medium("c", 6, "a")}};
  const Scores scores = score(judge, std::span(&task, 1), options).at(0);
  EXPECT_EQ(scores.media[0].score, 6.5);
  EXPECT_EQ(scores.media[0].unparsed, 1);
  EXPECT_EQ(scores.media[0].thought, "vote 0");
  EXPECT_FALSE(scores.media[1].score.has_value());
  EXPECT_EQ(scores.media[2].score, 6.5);
  EXPECT_EQ(sampler.asked.size(), 2U) << "the copy was not asked again";
  const Json json = to_json(scores);
  EXPECT_TRUE(json["scores"][1]["score"].is_null());
  EXPECT_EQ(json["scores"][0]["score"], 6.5);
  EXPECT_EQ(json["scores"][2]["media"], "c");
}

}  // namespace
}  // namespace beholder::judge
