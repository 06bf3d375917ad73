#include "eval/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/correlation.h"
#include "core/json.h"
#include "core/rng.h"
#include "core/tie_calibration.h"

namespace beholder::eval {
namespace {

using Doubles = std::vector<double>;

Json golden() {
  return read_json(BEHOLDER_SOURCE_DIR "/tests/data/eval/metrics.json");
}

TEST(EvalOracle, CorrelationsAreScipys) {
  for (const Json& c : golden().at("correlations")) {
    const auto x = c.at("x").get<Doubles>(), y = c.at("y").get<Doubles>();
    EXPECT_NEAR(pearson(x, y), c.at("pearson").get<double>(), 1e-12);
    EXPECT_NEAR(spearman(x, y), c.at("spearman").get<double>(), 1e-12);
    EXPECT_NEAR(kendall_tau_b(x, y), c.at("kendall_tau_b").get<double>(), 1e-12);
  }
}

TEST(EvalOracle, CalibrationErrorBrierAndLikelihood) {
  const Json c = golden().at("calibration");
  const auto p = c.at("p").get<Doubles>(), q = c.at("q").get<Doubles>(), share = c.at("share").get<Doubles>();
  std::vector<Forecast> forecasts;
  double b = 0, nll = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    forecasts.push_back({std::max(p[i], 1 - p[i]), (p[i] > 0.5) == (q[i] > 0.5) ? 1.0 : 0.0});
    b += brier(p[i], share[i]);
    nll += negative_log_likelihood(p[i], share[i]);
  }
  const auto n = static_cast<double>(p.size());
  EXPECT_NEAR(expected_calibration_error(reliability_bins(forecasts)), c.at("ece").get<double>(), 1e-12);
  EXPECT_NEAR(b / n, c.at("brier").get<double>(), 1e-12);
  EXPECT_NEAR(nll / n, c.at("nll").get<double>(), 1e-12);
}

// Its Brier score is of labels; of shares it is taken from their votes (tools/oracle_eval.py). Its bins are ours where they divide n.
TEST(EvalOracle, BrierAndEqualMassBinsAreScikitLearns) {
  const Json metrics = golden(), theirs = metrics.at("sklearn"), c = metrics.at("calibration");
  const auto p = c.at("p").get<Doubles>(), q = c.at("q").get<Doubles>(), share = c.at("share").get<Doubles>();
  std::vector<Forecast> forecasts;
  double labels = 0, shares = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (i < theirs.at("ece_n").get<std::size_t>()) forecasts.push_back(forecast_of(p[i], q[i]));
    labels += brier(p[i], q[i]);
    shares += brier(p[i], share[i]);
  }
  const auto n = static_cast<double>(p.size());
  EXPECT_NEAR(labels / n, theirs.at("brier_labels").get<double>(), 1e-12);
  EXPECT_NEAR(shares / n, theirs.at("brier_shares").get<double>(), 1e-12);
  EXPECT_NEAR(expected_calibration_error(reliability_bins(forecasts)), theirs.at("ece").get<double>(), 1e-12);
}

TEST(EvalOracle, TieCalibrationAndThePublicScriptsQuirk) {
  for (const Json& c : golden().at("ties")) {
    std::vector<TiePair> pairs;
    for (const Json& pair : c.at("pairs")) pairs.push_back({pair.at(0).get<int>(), pair.at(1).get<double>()});
    EXPECT_NEAR(calibrate_ties(pairs).accuracy, c.at("tau").get<double>(), 1e-12);
    EXPECT_NEAR(calibrate_ties_videoalign(pairs).accuracy, c.at("tau_videoalign").get<double>(), 1e-12);
  }
}

TEST(TieCalibration, ThreeRightPairsAreOneAndTwoThirds) {
  const std::vector<TiePair> pairs{{1, 0.3}, {-1, -0.2}, {1, 0.9}};
  const TieCalibration ours = calibrate_ties(pairs), theirs = calibrate_ties_videoalign(pairs);
  EXPECT_EQ(ours.accuracy, 1);
  EXPECT_EQ(ours.epsilon, -1);
  EXPECT_NEAR(theirs.accuracy, 2.0 / 3, 1e-15);
  EXPECT_EQ(theirs.epsilon, 0.2);
  EXPECT_EQ(theirs.is_tie, (std::vector<bool>{false, true, false}));
}

TEST(TieCalibration, StopsOnlyBetweenDifferentMargins) {
  // Two pairs of one margin: one is a tie, the other is right. No epsilon can have both.
  const std::vector<TiePair> pairs{{0, 0.5}, {1, 0.5}, {1, 2}};
  EXPECT_NEAR(calibrate_ties(pairs).accuracy, 2.0 / 3, 1e-15);
  EXPECT_EQ(calibrate_ties_videoalign(pairs).accuracy, 1) << "the script stops in the middle";
  EXPECT_EQ(calibrate_ties({}).accuracy, 0);
}

TEST(TieCalibration, ThreeWayCreditAndItsThreshold) {
  EXPECT_EQ(three_way_credit(1, 0.4, false), 1);
  EXPECT_EQ(three_way_credit(1, 0.4, true), 0.5);
  EXPECT_EQ(three_way_credit(0, 0.4, false), 0.5);
  EXPECT_EQ(three_way_credit(0, 0.4, true), 1);
  EXPECT_EQ(three_way_credit(-1, 0.4, false), 0);
  const double t = best_three_way_threshold({{0, 0.1}, {0, -0.2}, {1, 0.5}, {-1, -0.6}});
  EXPECT_GT(t, 0.2);
  EXPECT_LT(t, 0.5);
  EXPECT_EQ(best_three_way_threshold({{1, 0.1}}), 0);
}

TEST(Calibration, BinsAreEquallyFullAndForgetTheOrderOfTheInput) {
  std::vector<Forecast> forecasts;
  Rng rng(5);
  for (int i = 0; i < 47; ++i) forecasts.push_back({0.5 + 0.05 * static_cast<double>(rng.below(10)), rng.chance(0.6) ? 1.0 : 0.0});
  const auto bins = reliability_bins(forecasts);
  ASSERT_EQ(bins.size(), 15u);
  for (std::size_t b = 0; b < bins.size(); ++b) EXPECT_EQ(bins[b].n, b < 2 ? 4 : 3);
  for (int i = 0; i < 5; ++i) {
    rng.shuffle(forecasts);
    EXPECT_NEAR(expected_calibration_error(reliability_bins(forecasts)), expected_calibration_error(bins), 1e-12);
  }
  EXPECT_EQ(reliability_bins({{0.7, 1}, {0.9, 0}}).size(), 2u);
  EXPECT_TRUE(std::isnan(expected_calibration_error({})));
}

TEST(Calibration, NothingToCorrelateIsNotANumber) {
  EXPECT_TRUE(std::isnan(pearson(Doubles{1}, Doubles{2})));
  EXPECT_TRUE(std::isnan(spearman(Doubles{1, 1, 1}, Doubles{1, 2, 3})));
  EXPECT_TRUE(std::isnan(kendall_tau_b(Doubles{1, 1}, Doubles{1, 2})));
}

}  // namespace
}  // namespace beholder::eval
