#include "judge/score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/rng.h"
#include "judge/best_of.h"
#include "judge/mock_sampler.h"
#include "judge/model_identity.h"
#include "judge/score_cache.h"

namespace beholder::judge {
namespace {

// Draws from the request's key, as the sampler does: the score tells which key a question had.
MockMind drawn_scores() {
  return [](const std::vector<double>& q, int vote, std::uint64_t item) {
    const double u = Rng(7, item, static_cast<std::uint64_t>(vote)).uniform();
    return MockAnswer{completion_text(format("vote {}", vote), format("{:.3f}", std::clamp(q[0] + u, 0.0, 10.0))), {}};
  };
}

ScoreTask task(int i) {
  ScoreTask out{format("prompt {}", i % 5), {}};
  for (int k = 0; k <= i % 3; ++k) out.media.push_back(mock_medium(format("m{}-{}", i, k), (i + 2 * k) % 9));
  return out;
}

std::string without_seconds(const Scores& scores) {
  Json json = to_json(scores);
  json.erase("seconds");
  return json.dump();
}

TEST(ScoreInvariant, AnItemDoesNotDependOnItsBatchMatesTheBatchSizeOrTheOrder) {
  constexpr int kItems = 24;
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, drawn_scores());
  Judge judge(spec, sampler);
  JudgeOptions options;
  options.votes = 3;
  std::vector<std::string> alone;
  for (int i = 0; i < kItems; ++i) {
    const ScoreTask one = task(i);
    alone.push_back(without_seconds(score(judge, std::span(&one, 1), options).at(0)));
  }
  EXPECT_EQ(std::set<std::string>(alone.begin(), alone.end()).size(), alone.size()) << "all of them differ";
  for (const std::int64_t batch_size : {1, 5, 64}) {
    options.batch_size = batch_size;
    std::vector<int> order(kItems);
    for (int i = 0; i < kItems; ++i) order[static_cast<std::size_t>(i)] = i;
    Rng(static_cast<std::uint64_t>(batch_size)).shuffle(order);
    std::vector<ScoreTask> tasks;
    for (const int i : order) tasks.push_back(task(i));
    const std::vector<Scores> together = score(judge, tasks, options);
    for (std::size_t k = 0; k < order.size(); ++k)
      EXPECT_EQ(without_seconds(together[k]), alone[static_cast<std::size_t>(order[k])]) << "batch size " << batch_size;
  }
}

TEST(ScoreInvariant, WhatIsKnownIsNotAskedAndChangesNothing) {
  const JudgeSpec spec = mock_spec();
  MockSampler sampler(spec, drawn_scores());
  Judge judge(spec, sampler);
  ScoreTask whole{"p", {mock_medium("a", 1), mock_medium("b", 2), mock_medium("copy of a", 1, "a"), mock_medium("c", 3)}};
  const Scores asked = score(judge, std::span(&whole, 1), {}).at(0);
  EXPECT_EQ(sampler.asked.size(), 3U);
  sampler.asked.clear();
  for (std::size_t known = 0; known < 16; ++known) {
    ScoreTask partly = whole;
    partly.known.resize(4);
    for (std::size_t i = 0; i < 4; ++i)
      if (known >> i & 1) partly.known[i] = asked.media[i];
    EXPECT_EQ(without_seconds(score(judge, std::span(&partly, 1), {}).at(0)), without_seconds(asked)) << known;
  }
  whole.known.assign(asked.media.begin(), asked.media.end());
  EXPECT_TRUE(score_questions(whole, {}).empty());
}

TEST(ScoreCache, GivesBackTheScoreOfTheSamePromptMediumModelAndSettings) {
  TempDir dir;
  write_mock_files(dir / "model", mock_files());
  ScoredMedium scored{.name = "a",
                      .hash = "h",
                      .score = 20.0 / 3,
                      .votes = {6, 7, 7},
                      .unparsed = 1,
                      .thought = "ä \"b\"",
                      .problem = "",
                      .usage = {10, 5, 3.5}};
  {
    ScoreCache cache(dir / "cache", dir / "model", {{"votes", 4}});
    EXPECT_FALSE(cache.find("p", "file 1"));
    cache.keep("p", "file 1", scored);
    ScoredMedium unread;
    unread.hash = "u";
    unread.problem = "no answer";
    cache.keep("p", "file 2", unread);
  }
  ScoreCache cache(dir / "cache", dir / "model", {{"votes", 4}});
  const std::optional<ScoredMedium> found = cache.find("p", "file 1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->score, scored.score);
  EXPECT_EQ(found->votes, scored.votes);
  EXPECT_EQ(found->thought, scored.thought);
  EXPECT_EQ(found->hash, "h");
  EXPECT_EQ(found->usage.prompt_tokens, 10);
  EXPECT_EQ(found->usage.seconds, 0) << "it took none";
  EXPECT_FALSE(cache.find("p", "file 2")->score.has_value());
  EXPECT_EQ(cache.find("p", "file 2")->problem, "no answer");
  EXPECT_FALSE(cache.find("q", "file 1"));
  EXPECT_FALSE(cache.find("p", "file 3"));
  EXPECT_FALSE(ScoreCache(dir / "cache", dir / "model", {{"votes", 5}}).find("p", "file 1"));
  MockFiles other = mock_files();
  other.config["rms_norm_eps"] = 1e-5;
  write_mock_files(dir / "other", other);
  EXPECT_FALSE(ScoreCache(dir / "cache", dir / "other", {{"votes", 4}}).find("p", "file 1"));
}

TEST(ModelIdentity, IsOfTheContentAndReadsLargeFilesOnce) {
  TempDir dir;
  const std::string weights(3 << 20, 'w');
  for (const char* name : {"a", "b"}) {
    write_mock_files(dir / name, mock_files());
    write_file_atomic(dir / name + "/model.safetensors", weights);
    write_file_atomic(dir / name + "/README.md", name);
  }
  ResultCache digests(dir / "cache");
  const std::string identity = model_identity(dir / "a", digests);
  EXPECT_EQ(model_identity(dir / "b", digests), identity);
  EXPECT_EQ(digests.size(), 2) << "one hash of weights each";
  EXPECT_EQ(model_identity(dir / "a", digests), identity);
  EXPECT_EQ(digests.size(), 2);
  std::string changed = weights;
  changed[2 << 20] = 'x';
  write_file_atomic(dir / "b/model.safetensors", changed);
  EXPECT_NE(model_identity(dir / "b", digests), identity) << "the same size, another content";
  EXPECT_THROW(model_identity(dir / "cache/none", digests), Error);
}

Json result(const std::string& prompt, const std::vector<std::pair<std::string, double>>& media) {
  Json scores = Json::array();
  for (const auto& [name, score] : media)
    scores.push_back({{"media", name}, {"score", score < 0 ? Json() : Json(score)}, {"thought", "of " + name}});
  return {{"id", "r-" + media[0].first}, {"prompt", prompt}, {"scores", scores}, {"skipped", Json::array()}};
}

TEST(BestOfInvariant, TheOrderOfTheResultsDoesNotMatter) {
  std::vector<Json> results;
  Rng rng(11);
  for (int i = 0; i < 60; ++i)
    results.push_back(result(format("p{}", rng.below(4)), {{format("m{}", i), static_cast<double>(rng.below(6))}, {format("n{}", i), -1}}));
  results.push_back(results[3]);  // twice the same
  std::vector<Json> first;
  for (int order = 0; order < 10; ++order) {
    BestOf best(3);
    for (const Json& r : results) best.add(r);
    if (order == 0) first = best.lines();
    EXPECT_EQ(best.lines(), first);
    EXPECT_EQ(best.scored(), 61);
    EXPECT_EQ(best.unscored(), 61);
    rng.shuffle(results);
  }
  ASSERT_EQ(first.size(), 12U);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].at("rank"), i % 3 + 1);
    if (i % 3 > 0) {
      EXPECT_EQ(first[i]["prompt"], first[i - 1]["prompt"]);
      EXPECT_TRUE(first[i]["score"] < first[i - 1]["score"] ||
                  (first[i]["score"] == first[i - 1]["score"] && first[i]["media"] > first[i - 1]["media"]));
    }
  }
}

TEST(BestOf, CountsWhatCannotBeSelected) {
  BestOf best(5);
  best.add(result("p", {{"a", 2}, {"b", 4}, {"c", -1}}));
  best.add({{"id", nullptr}, {"line", 3}, {"error", {{"code", "invalid_input"}}}});
  best.add({{"id", "x"}, {"error", {{"code", "corrupt"}}}, {"skipped", {{{"media", "x.png"}, {"error", "bad"}}}}});
  EXPECT_EQ(best.scored(), 2);
  EXPECT_EQ(best.mean(), 3);
  EXPECT_EQ(best.unscored(), 1);
  EXPECT_EQ(best.unread(), 1);
  EXPECT_EQ(best.failed(), 2);
  ASSERT_EQ(best.lines().size(), 2U);
  EXPECT_EQ(best.lines()[0].at("media"), "b");
  EXPECT_EQ(best.lines()[0].at("of"), 2);
  EXPECT_TRUE(BestOf(0).lines().empty());
}

}  // namespace
}  // namespace beholder::judge
