#include "checklist/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "checklist/testing.h"
#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "core/tie_calibration.h"

namespace beholder::checklist {
namespace {

LogisticProblem stored_problem(const Json& json) {
  LogisticProblem p;
  p.features = json["x"][0].size();
  for (const Json& row : json["x"])
    for (const Json& v : row) p.x.push_back(v.get<double>());
  for (const Json& y : json["y"]) p.sign.push_back(y.get<int>() == 1 ? 1 : -1);
  return p;
}

TEST(FitOracle, BothSolversReachTheReferenceOptimum) {
  const Json json = read_json(kData + "fit.json");
  const LogisticProblem p = stored_problem(json);
  const auto wanted = json["weights"].get<std::vector<double>>();
  const LogisticFit newton = fit_newton(p);
  EXPECT_TRUE(newton.converged);
  EXPECT_LT(newton.iterations, 20);
  EXPECT_NEAR(newton.loss, json["loss"].get<double>(), 1e-12);
  for (std::size_t j = 0; j < wanted.size(); ++j) EXPECT_NEAR(newton.weights[j], wanted[j], 1e-7) << j;
  const LogisticFit passes = fit_passes(p);
  EXPECT_TRUE(passes.converged);
  EXPECT_NEAR(passes.loss, json["loss"].get<double>(), 1e-5);
  for (std::size_t j = 0; j < wanted.size(); ++j) EXPECT_NEAR(passes.weights[j], wanted[j], 0.02) << j;
}

TEST(FitOracle, AccuraciesWithTiesAreThoseOfTryingEveryThreshold) {
  const Json json = read_json(kData + "fit.json")["ties"];
  const auto difference = json["difference"].get<std::vector<double>>();
  const auto label = json["label"].get<std::vector<int>>();
  std::vector<TiePair> pairs;
  for (std::size_t i = 0; i < label.size(); ++i) pairs.push_back({label[i], difference[i]});
  const TieCalibration ties = calibrate_ties(pairs);
  EXPECT_NEAR(ties.accuracy, json["tau"].get<double>(), 1e-15);
  EXPECT_EQ(ties.epsilon, json["threshold"].get<double>());
}

// Pairs by a hidden linear taste with Bradley-Terry noise, 4 a prompt.
PairSet made_pairs(std::size_t n, const std::vector<double>& taste, std::uint64_t seed) {
  PairSet set;
  set.features = taste.size();
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, i);
    AnswerPair pair{.x = {}, .label = 0, .prompt = i / 4};
    double margin = 0;
    for (const double t : taste) {
      pair.x.push_back(static_cast<double>(rng.below(3)) * 2 - 2);
      margin += t * pair.x.back();
    }
    pair.label = rng.chance(1 / (1 + std::exp(-margin))) ? 1 : -1;
    if (set.prompts.size() <= pair.prompt) set.prompts.push_back(format("prompt {}", pair.prompt));
    set.pairs.push_back(std::move(pair));
  }
  return set;
}

const std::vector<double> kTaste{1.0, 0, 0.6, 0.3, 0, 0.15, 0.8};

Checklist list_of(std::size_t questions) {
  std::string text = "title=\"t\"\nmedia=\"image\"\n[[dimension]]\nname=\"D\"\n[[dimension.sub]]\nname=\"s\"\nlevels=[";
  for (std::size_t q = 0; q < questions; ++q) text += format("[\"l{0}\",\"q{0}?\"],", q);
  return parse_checklist(text + "]\n", "t");
}

TEST(FitLearn, RecoversAHiddenTaste) {
  const PairSet set = made_pairs(1600, kTaste, 3);
  FitOptions options;
  options.bootstrap = 2;
  const Json fit = fit_checklist(list_of(kTaste.size()), set, options, [] {});
  for (std::size_t j = 0; j < kTaste.size(); ++j) EXPECT_NEAR(fit["questions"][j]["weight"].get<double>(), kTaste[j], 0.2) << j;
  EXPECT_GT(fit["questions"][0]["spearman"].get<double>(), fit["questions"][3]["spearman"].get<double>());
  EXPECT_TRUE(fit["evaluation"]["held_out"].get<bool>());
  EXPECT_GT(fit["evaluation"]["accuracy"].get<double>(), 0.75);
  EXPECT_FALSE(fit["separable"].get<bool>());
  const Json& curve = fit["learning_curve"];
  EXPECT_EQ(curve[0]["pairs"], 10);
  EXPECT_GT(curve.back()["accuracy"].get<double>(), curve[0]["accuracy"].get<double>());
  EXPECT_EQ(fit["pairs"]["untied"], 1600);
  options.curve = {300, 50, 300, 1e6};
  const Json chosen = fit_checklist(list_of(kTaste.size()), set, options, [] {})["learning_curve"];
  ASSERT_EQ(chosen.size(), 3U) << "two sizes that were asked for, and all pairs";
  EXPECT_EQ(chosen[0]["pairs"], 50);
  EXPECT_EQ(chosen[1]["pairs"], 300);
  options.curve = {0.5};
  EXPECT_THROW(fit_checklist(list_of(kTaste.size()), set, options, [] {}), Error);
}

// Each pair shown to `voters` people of one taste.
PairSet voted_pairs(std::size_t n, const std::vector<double>& taste, int voters, std::uint64_t seed) {
  PairSet set = made_pairs(n, taste, seed);
  for (std::size_t i = 0; i < n; ++i) {
    AnswerPair& pair = set.pairs[i];
    double margin = 0;
    for (std::size_t j = 0; j < taste.size(); ++j) margin += taste[j] * pair.x[j];
    Rng rng(seed, stable_hash("voters"), i);
    int first = 0;
    for (int v = 0; v < voters; ++v) first += rng.chance(1 / (1 + std::exp(-margin))) ? 1 : 0;
    pair.votes = voters;
    pair.share = static_cast<double>(first) / voters;
    pair.label = 2 * first > voters ? 1 : 2 * first < voters ? -1 : 0;
  }
  return set;
}

// How often a 95% interval holds the voters' own weight, over questions and draws of everything.
double covered_share(Choices choices, int draws) {
  const std::vector<double> taste{1.0, 0.6, 0.3, 0.8};
  FitOptions options;
  options.choices = choices == Choices::kVotes ? "votes" : "majority";
  options.bootstrap = 100;
  options.test_share = 0;
  int covered = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const PairSet set = voted_pairs(240, taste, 5, 1000 + static_cast<std::uint64_t>(draw));
    const Json fit = fit_checklist(list_of(taste.size()), set, options, [] {});
    for (std::size_t j = 0; j < taste.size(); ++j) {
      const Json& interval = fit["questions"][j]["interval"];
      covered += interval[0].get<double>() <= taste[j] && taste[j] <= interval[1].get<double>();
    }
  }
  return static_cast<double>(covered) / static_cast<double>(draws * static_cast<int>(taste.size()));
}

TEST(FitLearn, IntervalsHoldTheVotersTasteAsOftenAsTheySay) {
  const double votes = covered_share(Choices::kVotes, 150);
  EXPECT_GE(votes, 0.90);
  EXPECT_LE(votes, 0.99);
  // A majority of five is surer than any of the five: its weights are those of somebody else.
  EXPECT_LT(covered_share(Choices::kMajority, 40), 0.7);
}

TEST(Fit, EveryVoteIsARowAndATieOfVotesIsTwo) {
  PairSet set{.features = 1, .pairs = {}, .prompts = {"p"}};
  set.pairs = {{{2}, 1, 0, 0.8, 5}, {{1}, 0, 0, 0.5, 4}, {{3}, -1, 0, 0.0, 0}, {{4}, 0, 0, 0.5, 0}, {{5}, 1, 0}};
  EXPECT_EQ(fitted(set, Choices::kVotes), (std::vector<std::size_t>{0, 1, 2, 4}));
  EXPECT_EQ(fitted(set, Choices::kMajority), (std::vector<std::size_t>{0, 2, 4}));
  std::vector<std::size_t> rows;
  const LogisticProblem votes = problem_of(set, fitted(set, Choices::kVotes), Choices::kVotes, &rows);
  EXPECT_EQ(rows, (std::vector<std::size_t>{0, 0, 1, 1, 2, 4}));
  EXPECT_THAT(votes.count, ::testing::ElementsAre(4, ::testing::DoubleNear(1, 1e-12), 2, 2, 1, 1));
  EXPECT_THAT(votes.sign, ::testing::ElementsAre(1, -1, 1, -1, -1, 1));
  const LogisticProblem majority = problem_of(set, fitted(set, Choices::kMajority), Choices::kMajority);
  EXPECT_THAT(majority.sign, ::testing::ElementsAre(1, -1, 1));
  EXPECT_THAT(majority.x, ::testing::ElementsAre(2, 3, 5));
}

// The passes' step may not grow with the number of voters.
TEST(FitInvariant, PassesReachTheOptimumOfVotesToo) {
  const PairSet set = voted_pairs(300, {1.0, 0.6, 0.3, 0.8}, 9, 5);
  const LogisticProblem problem = problem_of(set, fitted(set, Choices::kVotes), Choices::kVotes);
  const LogisticFit newton = fit_newton(problem), passes = fit_passes(problem);
  EXPECT_TRUE(passes.converged);
  EXPECT_NEAR(passes.loss, newton.loss, 1e-4);
}

TEST(FitLearn, SelectKeepsTheQuestionsThatMatterAndFitsThemAgain) {
  const PairSet set = made_pairs(1600, kTaste, 4);
  FitOptions options;
  options.select = 3;
  const LogisticFit fit = solve(problem_of(set, untied(set), Choices::kMajority), options);
  for (std::size_t j = 0; j < kTaste.size(); ++j) {
    if (kTaste[j] >= 0.6)
      EXPECT_NEAR(fit.weights[j], kTaste[j], 0.25) << j;  // a penalised fit would be far below
    else
      EXPECT_EQ(fit.weights[j], 0) << j;
  }
}

// At the optimum the gradient is 0 where a weight is positive and not negative where it is 0. Columns that nearly repeat each other, and
// penalties, are where a projected step could jam.
TEST(FitInvariant, NewtonEndsWhereNoWeightMayMove) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed, stable_hash("newton"));
    LogisticProblem p;
    p.features = 2 + rng.below(12);
    p.l1 = rng.chance(0.5) ? 0.02 * rng.uniform() : 0;
    for (int i = 0; i < 120; ++i) {
      const double shared = rng.normal();
      for (std::size_t j = 0; j < p.features; ++j) p.x.push_back(shared * (j % 2 ? 3 : -3) + (j < 3 ? 0.01 : 1) * rng.normal());
      p.sign.push_back(rng.chance(0.5 + 0.3 * std::tanh(shared)) ? 1 : -1);
    }
    std::vector<double> start(p.features), g;
    for (double& w : start) w = rng.chance(0.5) ? 3 * rng.uniform() : 0;
    const LogisticFit fit = fit_newton(p, start);
    EXPECT_TRUE(fit.converged) << seed;
    p.derivatives(fit.weights, g, nullptr);
    for (std::size_t j = 0; j < p.features; ++j) {
      EXPECT_GE(fit.weights[j], 0);
      EXPECT_GE(g[j], -1e-6) << seed << " " << j;
      EXPECT_LE(fit.weights[j] > 1e-6 ? g[j] : 0, 1e-6) << seed << " " << j;
    }
    EXPECT_NEAR(fit_newton(p).loss, fit.loss, 1e-9) << seed;  // from anywhere to the same place
  }
}

TEST(Fit, AQuestionOnItsOwn) {
  PairSet set{.features = 3, .pairs = {}, .prompts = {"p"}};
  set.pairs = {{{2, 0, 2}, 1, 0}, {{2, 0, -2}, 1, 0}, {{0, 0, 2}, -1, 0}, {{-2, 0, 2}, -1, 0}, {{2, 0, 2}, 0, 0}};
  const std::vector<QuestionStats> stats = question_stats(set);
  EXPECT_EQ(stats[0].n, 3);
  EXPECT_EQ(stats[0].accuracy, 1);
  EXPECT_NEAR(stats[0].spearman, 0.9428090415820634, 1e-12);  // ranks 3.5 3.5 2 1 against 3.5 3.5 1.5 1.5
  EXPECT_TRUE(std::isnan(stats[1].accuracy) && std::isnan(stats[1].spearman));
  EXPECT_EQ(stats[2].accuracy, 0.25);
}

TEST(Fit, WhatCannotBeFitIsSaid) {
  const auto message = [](const PairSet& set) -> std::string {
    try {
      fit_checklist(list_of(set.features), set, {}, [] {});
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  using ::testing::HasSubstr;
  PairSet set{.features = 2, .pairs = {}, .prompts = {"p"}};
  EXPECT_THAT(message(set), HasSubstr("no pair whose media both have answers"));
  set.pairs = {{{2, 0}, 0, 0}};
  EXPECT_THAT(message(set), HasSubstr("all 1 pairs are ties"));
  set.pairs = {{{0, 0}, 1, 0}, {{0, 0}, -1, 0}};
  EXPECT_THAT(message(set), HasSubstr("no question is ever answered differently"));
}

TEST(Fit, SeparablePairsAreSaidToBeAndARidgeBoundsThem) {
  PairSet set{.features = 2, .pairs = {}, .prompts = {"p"}};
  set.pairs = {{{2, 0}, 1, 0}, {{-2, 0}, -1, 0}, {{2, 0}, 1, 0}};
  FitOptions options;
  options.bootstrap = 0;
  options.bootstrap = 20;
  const Json unbounded = fit_checklist(list_of(2), set, options, [] {});
  EXPECT_TRUE(unbounded["separable"].get<bool>());
  EXPECT_TRUE(unbounded["questions"][0]["interval"].is_null()) << "it would only say where the solver stopped";
  options.l2 = 0.1;
  const Json fit = fit_checklist(list_of(2), set, options, [] {});
  EXPECT_TRUE(fit["converged"].get<bool>());
  EXPECT_LT(fit["coef"][0].get<double>(), 3);
  EXPECT_EQ(fit["coef"][1].get<double>(), 0);
  EXPECT_FALSE(fit["evaluation"]["held_out"].get<bool>());  // one prompt cannot be split
}

}  // namespace
}  // namespace beholder::checklist
