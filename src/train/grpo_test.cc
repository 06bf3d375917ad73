// The GRPO trainer on the embedded judge: the same numbers however a batch is cut, stopped or shared.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>

#include "core/error.h"
#include "core/interrupt.h"
#include "train/grpo_bench.h"
#include "train/reward_command.h"

namespace beholder::train {
namespace {

TEST(GrpoInvariant, AccumulationDoesNotChangeTheGradient) {
  for (const char* loss : {"dapo", "grpo", "dr_grpo", "cispo"}) {
    TempDir dir;
    GrpoConfig c = small_run(dir.path());
    c.loss.loss_type = loss;
    Bench whole(c);
    c.per_device_train_batch_size = 1;
    c.gradient_accumulation_steps = 8;
    Bench pieces(c);
    const double a = whole.trainer.accumulate(whole.trainer.rollout()), b = pieces.trainer.accumulate(pieces.trainer.rollout());
    EXPECT_NEAR(a, b, 1e-5 * (1 + std::abs(a))) << loss;
    const auto gradient = gradients(whole.trainer);
    EXPECT_GT(gradient.size(), 50u);
    EXPECT_LT(worst_difference(gradient, gradients(pieces.trainer)), 2e-3) << loss;
  }
}

// The whole step in double: rollout fixed, loss as a function of the weights, with the exact decision term and the KL.
TEST(GrpoOracle, GradientIsTheFiniteDifferenceOfTheLoss) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  c.num_generations = 2;
  c.per_device_train_batch_size = 4;
  c.loss.beta = 0.1;
  Bench bench(c, at::kDouble);
  const RolloutBatch batch = bench.trainer.rollout();
  bench.trainer.accumulate(batch);
  expect_central_differences(bench, batch, gradients(bench.trainer),
                             {"model.layers.1.self_attn.q_proj.weight", "model.layers.3.mlp.down_proj.weight", "model.embed_tokens.weight",
                              "visual.blocks.0.attn.qkv.weight", "visual.merger.mlp.0.weight", "model.norm.weight"});
}

TEST(GrpoInvariant, SamplingAndTrainingAgree) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  Bench bench(c);
  bench.trainer.resume();
  bench.trainer.run();
  std::ifstream file(dir.path() + "/metrics.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const Json metrics = parse_json(line, "metrics");
    EXPECT_LT(metrics["sampling/sampling_logp_difference/max"].get<double>(), 1e-4);
    EXPECT_GT(metrics["completions/mean_length"].get<double>(), 20);
    EXPECT_GT(metrics["rewards/soft/mean"].get<double>(), 0.1);
  }
  EXPECT_EQ(lines, 4);
}

TEST(GrpoInvariant, StoppedAndResumedEqualsStraight) {
  TempDir straight, stopped;
  GrpoConfig c = small_run(straight.path());
  c.listener = c.model;
  c.reward_funcs = {"format", "soft", "listener"};
  c.logging_steps = 3;  // a line of metrics spans the stop
  expect_stopped_equals_straight(c, straight, stopped, "model.safetensors");
}

// The second pass over a rollout starts from other weights: its ratios are no longer 1, and large steps are clipped.
TEST(GrpoInvariant, MorePassesReuseTheRollout) {
  for (const std::int64_t passes : {1, 2}) {
    TempDir dir;
    GrpoConfig c = small_run(dir.path());
    c.num_iterations = passes;
    c.per_device_train_batch_size = 24;
    c.temperature = 1.5;  // hot enough that a group's rewards differ
    c.learning_rate = 1e-3;
    Bench bench(c);
    bench.trainer.resume();
    EXPECT_EQ(bench.trainer.run().step, 4);
    double clipped = 0;
    std::int64_t rollouts = 0;
    std::ifstream file(dir.path() + "/metrics.jsonl");
    for (std::string line; std::getline(file, line); ++rollouts) {
      const Json metrics = parse_json(line, "metrics");
      clipped += metrics["clip_ratio/low_mean"].get<double>() + metrics["clip_ratio/high_mean"].get<double>();
      EXPECT_EQ(metrics["step"], passes * (rollouts + 1));
    }
    EXPECT_EQ(rollouts, 4 / passes);
    EXPECT_EQ(clipped > 0, passes == 2) << clipped;
  }
}

TEST(GrpoInvariant, AListenerOfTheSameWeightsHearsWhatTheJudgeThinks) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  c.listener = c.model;
  Bench bench(c);
  int compared = 0;
  for (const Group& group : bench.trainer.rollout().groups)
    for (const Sample& sample : group.samples) {
      if (!sample.vote.verdict.parsed) continue;
      ASSERT_TRUE(sample.listener.has_value());
      EXPECT_NEAR(*sample.listener, sample.vote.p[0], 1e-3) << sample.vote.text;
      ++compared;
    }
  EXPECT_GE(compared, 6);
}

TEST(Listener, RedactionCutsVerdictsOnly) {
  EXPECT_EQ(redact_verdict("Image 1 shows a cat. Image 1 is better. It is sharp."), "Image 1 shows a cat. It is sharp.");
  EXPECT_EQ(redact_verdict("I PREFER the second\nIt is noisy"), "It is noisy");
  EXPECT_EQ(redact_verdict(""), "");
}

std::string failure(const RewardCommand& command) {
  try {
    command.run({{{"id", "a"}}, {{"id", "b"}}});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(RewardCommand, ReadsNumbersAndNull) {
  const auto values = RewardCommand("while read line; do case \"$line\" in *'\"a\"'*) echo 0.25;; *) echo null;; esac; done", 10)
                          .run({{{"id", "a"}}, {{"id", "b"}}});
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0], 0.25);
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST(RewardCommand, SaysWhatWentWrong) {
  EXPECT_NE(failure(RewardCommand("exit 3", 10)).find("ended with status 3"), std::string::npos);
  EXPECT_NE(failure(RewardCommand("sleep 60", 0.3)).find("did not finish within 0.3 s"), std::string::npos);
  EXPECT_NE(failure(RewardCommand("exec >&-; sleep 60", 0.3)).find("did not finish within 0.3 s"), std::string::npos) << "output closed";
  EXPECT_NE(failure(RewardCommand("echo 1", 10)).find("1 numbers for 2 completions"), std::string::npos);
  EXPECT_NE(failure(RewardCommand("echo nan; echo 1", 10)).find("not a number"), std::string::npos);
  EXPECT_NE(failure(RewardCommand("no-such-command-at-all 2>/dev/null", 10)).find("status 127"), std::string::npos);
}

}  // namespace
}  // namespace beholder::train
