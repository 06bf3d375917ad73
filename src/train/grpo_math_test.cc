// Rewards, advantages and losses against values that tools/oracle_grpo.py computed in padded Python loops.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "train/advantage.h"
#include "train/grpo_config.h"
#include "train/policy_loss.h"
#include "train/rewards.h"

namespace beholder::train {
namespace {

const Json& golden() {
  static const Json kGolden = read_json(format("{}/tests/data/train/grpo.json", BEHOLDER_SOURCE_DIR));
  return kGolden;
}

double number_or_nan(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

TEST(GrpoOracle, Advantages) {
  ASSERT_GE(golden()["advantages"].size(), 24u);
  for (const Json& c : golden()["advantages"]) {
    std::vector<std::vector<double>> rewards;
    for (const Json& row : c["rewards"]) {
      rewards.emplace_back();
      for (const Json& value : row) rewards.back().push_back(number_or_nan(value));
    }
    const AdvantageOptions options{.weights = c["weights"].get<std::vector<double>>(),
                                   .scale_rewards = c["scale_rewards"],
                                   .multi_objective_aggregation = c["multi_objective_aggregation"]};
    const Advantages got = compute_advantages(rewards, c["group"].get<std::size_t>(), options);
    const auto want = c["advantage"].get<std::vector<double>>();
    ASSERT_EQ(got.values.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(got.values[i], want[i], 1e-9) << c["name"] << " " << options.scale_rewards << " " << options.multi_objective_aggregation;
  }
}

// One golden case: the loss summed over micro-batches as the trainer does, and its gradient for every log-probability.
void check_loss(const Json& c) {
  const auto logp = c["logp"].get<std::vector<std::vector<double>>>(), old = c["old_logp"].get<std::vector<std::vector<double>>>(),
             reference = c["ref_logp"].get<std::vector<std::vector<double>>>(),
             gradient = c["gradient"].get<std::vector<std::vector<double>>>();
  PolicyLossOptions options;
  options.loss_type = c["loss_type"];
  options.importance_sampling_level = c["importance_sampling_level"];
  options.epsilon = c["epsilon"];
  options.epsilon_high = c["epsilon_high"];
  options.beta = c["beta"];
  BatchShape shape{.lengths = {}, .max_completion_length = c["max_completion_length"], .micro_batches = c["micro_batches"]};
  for (std::size_t i = 0; i < logp.size(); ++i) shape.lengths.push_back(c["masked"][i].get<bool>() ? 0 : std::ssize(logp[i]));
  const std::size_t size = logp.size() / static_cast<std::size_t>(shape.micro_batches);
  double loss = 0;
  for (std::size_t first = 0; first < logp.size(); first += size) {
    const std::vector<double> weights = token_weights(options, shape, first, first + size);
    std::vector<double> flat[3], advantage, weight;
    std::vector<std::int64_t> sequence;
    for (std::size_t i = first; i < first + size; ++i)
      for (std::size_t t = 0; t < logp[i].size(); ++t) {
        flat[0].push_back(logp[i][t]);
        flat[1].push_back(old[i][t]);
        flat[2].push_back(reference[i][t]);
        advantage.push_back(c["advantage"][i].get<double>());
        weight.push_back(weights[i - first]);
        sequence.push_back(static_cast<std::int64_t>(i - first));
      }
    const at::Tensor leaf = torch::tensor(flat[0], at::kDouble).set_requires_grad(true);
    const PolicyLoss got = policy_loss({.logp = leaf,
                                        .old_logp = torch::tensor(flat[1], at::kDouble),
                                        .reference = torch::tensor(flat[2], at::kDouble),
                                        .advantage = torch::tensor(advantage, at::kDouble),
                                        .weight = torch::tensor(weight, at::kDouble),
                                        .sequence = torch::tensor(sequence, at::kLong),
                                        .sequences = static_cast<std::int64_t>(size)},
                                       options);
    loss += got.loss.item<double>();
    got.loss.backward();
    std::int64_t at = 0;
    for (std::size_t i = first; i < first + size; ++i)
      for (const double want : gradient[i])
        EXPECT_NEAR(leaf.grad()[at++].item<double>(), want, 1e-9) << options.loss_type << " completion " << i;
  }
  EXPECT_NEAR(loss, c["loss"].get<double>(), 1e-9) << options.loss_type << " " << options.importance_sampling_level;
}

TEST(GrpoOracle, LossesAndTheirGradients) {
  ASSERT_EQ(golden()["losses"].size(), 48u);
  for (const Json& c : golden()["losses"]) check_loss(c);
}

Judged answer(double p, double q, int choice) {
  Judged out{.verdict = {}, .q = q, .p = p, .listener = 0.7};
  out.verdict.parsed = true;
  out.verdict.choice = choice;
  return out;
}

Grade soft(const char* shape, double p, double q) {
  RewardOptions options;
  options.soft_shape = shape;
  return grade_soft(answer(p, q, 1), options, Decision::kExact);
}

TEST(Rewards, SoftShapesByHand) {
  EXPECT_DOUBLE_EQ(soft("brier", 0.8, 0.5).value, 1 - 0.09);
  EXPECT_DOUBLE_EQ(soft("linear", 0.8, 0.5).value, 0.7);
  EXPECT_DOUBLE_EQ(soft("probability", 0.8, 0.9).value, 0.8);
  EXPECT_DOUBLE_EQ(soft("probability", 0.8, 0.1).value, 1 - 0.8);
  EXPECT_DOUBLE_EQ(soft("probability", 0.8, 0.5).value, 0.5);
  EXPECT_NEAR(soft("log", 0.5, 1).value, 1 - std::log(2) / std::log(1000), 1e-12);
  EXPECT_NEAR(soft("log", 0, 1).value, 0, 1e-12);  // clipped at 1e-3: the worst answer earns 0, not minus infinity
  EXPECT_NEAR(soft("log", 1, 1).value, 1, 1e-3);
}

TEST(Rewards, SlopesAreDerivatives) {
  constexpr double kStep = 1e-6;
  for (const char* shape : {"brier", "log", "probability", "linear"})
    for (const double q : {0.0, 0.3, 0.5, 1.0})
      for (const double p : {0.1, 0.42, 0.9}) {
        const double slope = (soft(shape, p + kStep, q).value - soft(shape, p - kStep, q).value) / (2 * kStep);
        EXPECT_NEAR(soft(shape, p, q).slope, slope, 1e-5) << shape << " p " << p << " q " << q;
      }
}

// Voters prefer medium 1 with chance q; a proper rule pays best for saying p = q, an improper one does not.
TEST(Rewards, BrierAndLogAreProperLinearAndProbabilityAreNot) {
  const auto best_p = [](const char* shape, double q) {
    double best = -1, where = 0;
    for (int i = 1; i < 1000; ++i) {
      const double p = i / 1000.0, expected = q * soft(shape, p, 1).value + (1 - q) * soft(shape, p, 0).value;
      if (expected > best) best = expected, where = p;
    }
    return where;
  };
  for (const double q : {0.2, 0.35, 0.6, 0.85}) {
    EXPECT_NEAR(best_p("brier", q), q, 2e-3);
    EXPECT_NEAR(best_p("log", q), q, 2e-3);
    EXPECT_GT(std::abs(best_p("linear", q) - q), 0.1);
    EXPECT_GT(std::abs(best_p("probability", q) - q), 0.1);
  }
}

TEST(Rewards, ChoicesTiesAndScores) {
  const RewardOptions options;
  EXPECT_EQ(grade_select(answer(0.9, 0.8, 1), options, Decision::kSampled).value, 1);
  EXPECT_EQ(grade_select(answer(0.9, 0.8, 2), options, Decision::kSampled).value, 0);
  EXPECT_EQ(grade_select(answer(0.9, 0.5, 2), options, Decision::kSampled).value, 0.5);
  const Grade exact = grade_select(answer(0.9, 0.2, 1), options, Decision::kExact);
  EXPECT_NEAR(exact.value, 0.1, 1e-12);
  EXPECT_EQ(exact.slope, -1);
  Judged scores = answer(0, 1, 1);
  EXPECT_EQ(grade_score(scores, options, Decision::kSampled).value, 0) << "no scores were stated";
  scores.verdict.scores = {7, 4};
  EXPECT_EQ(grade_score(scores, options, Decision::kSampled).value, 1);
  scores.verdict.choice = 0;
  EXPECT_EQ(grade_score(scores, options, Decision::kSampled).value, 0) << "equal scores are no order";
}

TEST(Rewards, ListenerTargetsAndShapes) {
  RewardOptions options;
  EXPECT_DOUBLE_EQ(grade_listener(answer(0.9, 1, 2), options, Decision::kSampled).value, 0.7);
  EXPECT_DOUBLE_EQ(grade_listener(answer(0.9, 0, 2), options, Decision::kSampled).value, 1 - 0.7);
  options.listener_target = "choice";
  EXPECT_DOUBLE_EQ(grade_listener(answer(0.9, 1, 2), options, Decision::kSampled).value, 1 - 0.7);
  const Grade exact = grade_listener(answer(0.9, 1, 2), options, Decision::kExact);
  EXPECT_NEAR(exact.value, 0.9 * 0.7 + 0.1 * 0.3, 1e-12);
  EXPECT_NEAR(exact.slope, 0.4, 1e-12);
  options.listener_shape = "margin";
  EXPECT_NEAR(grade_listener(answer(0.9, 1, 1), options, Decision::kSampled).value, 0.4, 1e-12);
  options.listener_shape = "brier";
  EXPECT_NEAR(grade_listener(answer(0.9, 1, 1), options, Decision::kSampled).value, 1 - 0.09, 1e-12);
}

TEST(Rewards, LengthFallsToZeroAtTheLimit) {
  RewardOptions options;
  options.max_completion_length = 100;
  options.length_cache = 20;
  Judged j = answer(0.5, 1, 1);
  for (const auto& [tokens, value] : {std::pair{10, 1.0}, {80, 1.0}, {90, 0.5}, {100, 0.0}}) {
    j.tokens = tokens;
    EXPECT_DOUBLE_EQ(grade_length(j, options, Decision::kSampled).value, value);
  }
}

std::string refusal(void (*change)(GrpoConfig&)) {
  GrpoConfig c;
  c.model.push_back('m');
  change(c);
  try {
    validate(c);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(GrpoConfig, ImpossibleBatchesNameTheNearestLegalOnes) {
  EXPECT_EQ(refusal([](GrpoConfig&) {}), "");
  const std::string text =
      refusal([](GrpoConfig& c) { c.per_device_train_batch_size = 6, c.gradient_accumulation_steps = 2, c.num_generations = 8; });
  EXPECT_NE(text.find("6 x gradient_accumulation_steps 2 = 12 completions are not whole groups of 8"), std::string::npos) << text;
  EXPECT_NE(text.find("2, 3, 4, 6, 12"), std::string::npos) << text;
  EXPECT_NE(text.find("8 or 16 completions"), std::string::npos) << text;
}

TEST(GrpoConfig, TheHelpNamesEveryReward) {
  GrpoConfig c;
  FieldList fields;
  c.fields(fields);
  for (const Reward& reward : all_rewards())
    EXPECT_NE(fields.find("reward_funcs")->help.find(format("\n{}: {}", reward.name, reward.help)), std::string::npos) << reward.name;
}

TEST(GrpoConfig, RefusesWhatCannotWork) {
  EXPECT_NE(refusal([](GrpoConfig& c) { c.reward_funcs = {"format", "wit"}; }).find("no reward \"wit\""), std::string::npos);
  EXPECT_NE(refusal([](GrpoConfig& c) { c.reward_funcs = {"listener"}; }).find("listener"), std::string::npos);
  EXPECT_NE(refusal([](GrpoConfig& c) { c.reward_funcs = {"score", "soft"}; }).find("use one of the two"), std::string::npos);
  EXPECT_NE(refusal([](GrpoConfig& c) { c.reward_weights = {1, 2, 3}; }).find("3 weights for 2 rewards"), std::string::npos);
  EXPECT_NE(refusal([](GrpoConfig& c) { c.reward_funcs = {}; }).find("is empty"), std::string::npos);
}

}  // namespace
}  // namespace beholder::train
