// What a rollout says about itself: the numbers, and the causes that are named.
#include "train/rollout_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace beholder::train {
namespace {
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kMismatch = "sampling/sampling_logp_difference/max";

GrpoConfig configured(void (*change)(GrpoConfig&)) {
  GrpoConfig c;
  change(c);
  return c;
}

// What two lines of the log warn of in a run that is healthy but for `name`.
std::string warnings_of(const std::string& name, double value, const GrpoConfig& config = {}) {
  std::map<std::string, double> numbers = {
      {"rewards/format/mean", 0.9}, {"frac_reward_zero_std", 0.7}, {"completions/clipped_ratio", 0.2}, {"kl", 0.5}, {kMismatch, 1e-5}};
  numbers[name] = value;
  Meters meters;
  for (const auto& [meter, number] : numbers) meters.add(meter, number);
  CauseWarnings causes;
  testing::internal::CaptureStderr();
  for (const std::int64_t step : {3, 4}) causes.check(meters, config, step);
  return testing::internal::GetCapturedStderr();
}

// One warning, of the first of the two lines.
void expect_cause(const std::string& text, const char* cause) {
  EXPECT_THAT(text, StartsWith("warning: step 3: "));
  EXPECT_THAT(text, HasSubstr(cause));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST(CauseWarnings, AHealthyRunHasNone) {
  EXPECT_EQ(warnings_of("rewards/format/mean", 0.01), "");
  testing::internal::CaptureStderr();
  CauseWarnings().check(Meters(), {}, 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "nothing was measured";
}

TEST(CauseWarnings, NothingCanBeRead) {
  expect_cause(warnings_of("rewards/format/mean", 0), "every format reward is 0");
}

TEST(CauseWarnings, GroupsOfEqualRewards) {
  const auto flat = [](void (*change)(GrpoConfig&)) { return warnings_of("frac_reward_zero_std", 0.85, configured(change)); };
  const std::string sampled = flat([](GrpoConfig& c) { c.decision_gradient = "sampled"; });
  expect_cause(sampled, "85% of the groups have equal rewards: nothing is learned from them");
  EXPECT_THAT(sampled, HasSubstr("or set dynamic_sampling"));
  expect_cause(flat([](GrpoConfig& c) { c.decision_gradient = "exact"; }), "only the decision learns from them");
  expect_cause(flat([](GrpoConfig& c) { c.dynamic_sampling = true; }), "dynamic_sampling did not find others");
}

TEST(CauseWarnings, CompletionsAtTheLimit) {
  expect_cause(warnings_of("completions/clipped_ratio", 0.35), "35% of the completions hit max_completion_length 512");
}

TEST(CauseWarnings, SamplingThatIsNotTraining) {
  const auto bf16 = configured([](GrpoConfig& c) { c.bf16 = true; }), cold = configured([](GrpoConfig& c) { c.temperature = 0.1; });
  expect_cause(warnings_of(kMismatch, 2e-3), "sampling and training disagree by up to 0.002");
  EXPECT_EQ(warnings_of(kMismatch, 2e-3, cold), "") << "a tenth of the temperature is ten times the difference";
  EXPECT_EQ(warnings_of(kMismatch, 0.15, bf16), "") << "its rounding";
  expect_cause(warnings_of(kMismatch, 0.6, bf16), "sampling and training disagree");
  expect_cause(warnings_of(kMismatch, 2e-2, cold), "sampling and training disagree");
}

TEST(CauseWarnings, FarFromTheStart) {
  expect_cause(warnings_of("kl", 1.5), "the KL to the starting model is 1.5 a token");
}

TEST(RolloutMetrics, LengthsOfAllAndOfWhatEnded) {
  RolloutBatch batch;
  for (const auto& [tokens, finished] : {std::pair{3, false}, {5, true}, {9, true}, {12, false}})
    batch.facts.push_back({.tokens = tokens, .finished = finished, .rewards = {}});
  Meters meters;
  meter_rollout(batch, {}, meters);
  for (const auto& [name, value] : {std::pair{"min_length", 3.0},
                                    {"max_length", 12.0},
                                    {"mean_length", 7.25},
                                    {"clipped_ratio", 0.5},
                                    {"min_terminated_length", 5.0},
                                    {"max_terminated_length", 9.0},
                                    {"mean_terminated_length", 7.0}})
    EXPECT_EQ(meters.mean(std::string("completions/") + name), value) << name;

  for (SampleFacts& facts : batch.facts) facts.finished = false;
  Meters cut;
  meter_rollout(batch, {}, cut);
  EXPECT_TRUE(std::isnan(cut.mean("completions/min_terminated_length"))) << "nothing ended";
}

}  // namespace
}  // namespace beholder::train
