#include "judge/bradley_terry.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/json.h"
#include "core/rng.h"

namespace beholder::judge {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(BradleyTerry, TwoItemsAreTheLogitOfTheShare) {
  for (const double p : {0.5, 0.6, 0.8, 0.99}) {
    const BradleyTerry fit = fit_bradley_terry(2, std::vector<Outcome>{{0, 1, p, 10}}, 1e4);
    EXPECT_NEAR(fit.theta[0] - fit.theta[1], std::log(p / (1 - p)), 1e-5);
    EXPECT_NEAR(fit.theta[0] + fit.theta[1], 0, 1e-12);
    // Fisher information of the difference is n p (1-p); a centred strength is half the difference.
    EXPECT_NEAR(fit.std_dev[0], 0.5 / std::sqrt(10 * p * (1 - p)), 1e-4);
  }
}

TEST(BradleyTerry, ConsistentSharesGiveBackTheirStrengths) {
  const std::vector<double> truth{1.5, 0.25, -0.5, -1.25};
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 4; ++i)
    for (int j = i + 1; j < 4; ++j) outcomes.push_back({j, i, sigmoid(truth[j] - truth[i]), 3});
  const BradleyTerry fit = fit_bradley_terry(4, outcomes, 1e4);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(fit.theta[i], truth[i], 1e-5);
}

TEST(BradleyTerry, SeparableDataStaysFinite) {
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 6; ++i)
    for (int j = i + 1; j < 6; ++j) outcomes.push_back({i, j, 1.0, 1000});
  const BradleyTerry fit = fit_bradley_terry(6, outcomes);
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(std::isfinite(fit.theta[i]) && std::isfinite(fit.std_dev[i]));
    if (i > 0) {
      EXPECT_LT(fit.theta[i], fit.theta[i - 1]);
    }
  }
  // The posterior is stationary: weight * (1 - sigmoid(d)) summed equals theta / sd^2.
  double pull = 0;
  for (int j = 1; j < 6; ++j) pull += 1000 * (1 - sigmoid(fit.theta[0] - fit.theta[j]));
  EXPECT_NEAR(pull, fit.theta[0] / 25, 1e-8);
}

TEST(BradleyTerry, NothingKnownIsThePrior) {
  const BradleyTerry fit = fit_bradley_terry(3, {}, 2.0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fit.theta[i], 0);
    EXPECT_NEAR(fit.std_dev[i], 2 * std::sqrt(2.0 / 3), 1e-12);  // sd of x - mean(x)
  }
  EXPECT_EQ(fit_bradley_terry(1, {}).theta[0], 0);
}

TEST(BradleyTerry, IntervalsCoverTheTruth) {
  const std::vector<double> truth{1.0, 0.4, 0.0, -0.4, -1.0};
  int inside = 0, all = 0;
  for (std::uint64_t run = 0; run < 200; ++run) {
    Rng rng(7, run);
    std::vector<Outcome> outcomes;
    for (int i = 0; i < 5; ++i) {
      for (int j = i + 1; j < 5; ++j) {
        int wins = 0;
        for (int k = 0; k < 20; ++k) wins += rng.chance(sigmoid(truth[i] - truth[j])) ? 1 : 0;
        outcomes.push_back({i, j, wins / 20.0, 20});
      }
    }
    const BradleyTerry fit = fit_bradley_terry(5, outcomes);
    for (int i = 0; i < 5; ++i, ++all) inside += std::abs(fit.theta[i] - truth[i]) < 1.96 * fit.std_dev[i] ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(inside) / all, 0.95, 0.025);
}

TEST(BradleyTerryOracle, IsTheLogisticRegressionOfStatsmodels) {
  const Json golden = read_json(BEHOLDER_SOURCE_DIR "/tests/data/eval/metrics.json").at("bradley_terry");
  std::vector<Outcome> outcomes;
  for (const Json& o : golden.at("outcomes"))
    outcomes.push_back({o[0].get<int>(), o[1].get<int>(), o[2].get<double>(), o[3].get<double>()});
  // As weak a prior as leaves the Hessian well conditioned along (1, …, 1), where only the prior speaks.
  const BradleyTerry fit = fit_bradley_terry(golden.at("items").get<int>(), outcomes, 1e3);
  for (std::size_t i = 0; i < fit.theta.size(); ++i) {
    EXPECT_NEAR(fit.theta[i], golden["theta"][i].get<double>(), 1e-6);
    EXPECT_NEAR(fit.std_dev[i], golden["std_dev"][i].get<double>(), 1e-6);
  }
}

TEST(BradleyTerry, RefusesOutcomesOutOfRange) {
  EXPECT_THROW(fit_bradley_terry(2, std::vector<Outcome>{{0, 2, 0.5, 1}}), Error);
  EXPECT_THROW(fit_bradley_terry(2, std::vector<Outcome>{{1, 1, 0.5, 1}}), Error);
  EXPECT_THROW(fit_bradley_terry(2, std::vector<Outcome>{{0, 1, 1.5, 1}}), Error);
  EXPECT_THROW(fit_bradley_terry(2, std::vector<Outcome>{{0, 1, 0.5, 0}}), Error);
}

}  // namespace
}  // namespace beholder::judge
