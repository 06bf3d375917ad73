// The GRPO trainer on the embedded judge: the same numbers however a batch is cut, stopped or shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <limits>

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

// Masked completions weigh nothing; the others have the gradient they have where the masked ones earn nothing.
TEST(GrpoInvariant, TruncatedCompletionsAreLeftOut) {
  for (const char* loss : {"dapo", "dr_grpo"}) {
    TempDir dir;
    GrpoConfig c = small_run(dir.path());
    c.loss.loss_type = loss;
    c.temperature = 1.5;  // hot enough that a group's rewards differ
    Bench plain(c);
    c.mask_truncated_completions = true;
    Bench masking(c);
    RolloutBatch batch = masking.trainer.rollout();
    for (SampleFacts& facts : batch.facts) facts.finished = true;
    RolloutBatch silent = batch;  // what is cut off neither gains nor loses
    double tokens = 0, active = 0;
    for (std::size_t i = 0; i < batch.facts.size(); ++i) {
      const auto length = static_cast<double>(batch.facts[i].tokens);
      tokens += length;
      if (i % 3 != 1) active += length;
      if (i % 3 != 1) continue;
      batch.facts[i].finished = false;
      Sample& sample = silent.groups[i / 4].samples[i % 4];
      sample.advantage = sample.slope = 0;
    }
    masking.trainer.accumulate(batch);
    const auto masked = gradients(masking.trainer);
    plain.trainer.accumulate(batch);
    EXPECT_GT(worst_difference(masked, gradients(plain.trainer)), 0.05) << "the cut ones had nothing to say: " << loss;
    plain.trainer.accumulate(silent);
    auto want = gradients(plain.trainer);
    for (auto& [name, value] : want) value *= loss == std::string("dapo") ? tokens / active : 1;  // dapo's mean is over what is left
    EXPECT_LT(worst_difference(want, masked), 1e-4) << loss;
  }
}

// The whole step in double: rollout fixed, loss as a function of the weights, with the exact decision term and the KL.
TEST(GrpoOracle, GradientIsTheFiniteDifferenceOfTheLoss) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  c.num_generations = 2;
  c.per_device_train_batch_size = 4;
  c.loss.beta = 0.1;
  Bench bench(c, at::kDouble, [](GrpoTask& task) {  // to equal weights the KL and its gradient are 0
    vlm::ParamStore& reference = task.reference->params;
    reference.set("model.norm.weight", reference["model.norm.weight"] * 0.5);
  });
  const RolloutBatch batch = bench.trainer.rollout();
  const double loss = bench.trainer.accumulate(batch);
  c.loss.beta = 0;
  EXPECT_GT(loss - Bench(c, at::kDouble).trainer.accumulate(batch), 1e-4) << "the KL says nothing";
  expect_central_differences(bench, batch, gradients(bench.trainer),
                             {"model.layers.1.self_attn.q_proj.weight", "model.layers.3.mlp.down_proj.weight", "model.embed_tokens.weight",
                              "visual.blocks.0.attn.qkv.weight", "visual.merger.mlp.0.weight", "model.norm.weight"});
}

TEST(GrpoInvariant, SamplingAndTrainingAgree) {
  for (const auto& [bf16, limit] : {std::pair{false, 1e-4}, std::pair{true, 0.25}}) {
    TempDir dir;
    GrpoConfig c = small_run(dir.path());
    c.bf16 = bf16;
    Bench bench(c);
    bench.trainer.resume();
    bench.trainer.run();
    std::ifstream file(dir.path() + "/metrics.jsonl");
    int lines = 0;
    for (std::string line; std::getline(file, line); ++lines) {
      const Json metrics = parse_json(line, "metrics");
      EXPECT_LT(metrics["sampling/sampling_logp_difference/max"].get<double>(), limit) << "bf16 " << bf16;
      EXPECT_GT(metrics["completions/mean_length"].get<double>(), 20);
      EXPECT_GT(metrics["rewards/soft/mean"].get<double>(), 0.1);
    }
    EXPECT_EQ(lines, 4);
  }
}

TEST(Grpo, ALossThatIsNotFiniteStopsAndNamesTheBatch) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());  // two prompts a step, a checkpoint every second step
  c.loss.beta = 0.1;
  at::Tensor poisoned;
  ChangedWorld world;
  world.change = [&](std::int64_t number, const PreferenceItem&) {
    if (number == 5) poisoned.fill_(std::numeric_limits<float>::quiet_NaN());
  };
  Bench bench(c, at::kFloat, [&](GrpoTask& task) {
    task.train = &world;
    poisoned = task.reference->params["model.norm.weight"];
  });
  bench.trainer.resume();
  try {
    bench.trainer.run();
    FAIL() << "trained on a NaN";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidInput);
    EXPECT_EQ(e.where(), "step 3");
    EXPECT_THAT(e.what(), ::testing::HasSubstr("the loss is nan"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr(world.item(4).id + ", " + world.item(5).id));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("step 2 is intact"));
  }
  EXPECT_EQ(checkpoint_steps(dir.path()), (std::vector<std::int64_t>{2}));
  for (const auto& [name, value] : load_checkpoint(dir / "step-2").model) EXPECT_TRUE(torch::isfinite(value).all().item<bool>()) << name;
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
    c.per_device_train_batch_size = 8;
    c.gradient_accumulation_steps = 3;
    c.temperature = 1.5;  // hot enough that a group's rewards differ
    c.learning_rate = 1e-3;
    Bench bench(c);
    bench.trainer.resume();
    EXPECT_EQ(bench.trainer.run().step, 4);
    double clipped = 0, uneven = 0;  // how far the extremes over the micro-batches are from their means
    std::int64_t rollouts = 0;
    std::ifstream file(dir.path() + "/metrics.jsonl");
    for (std::string line; std::getline(file, line); ++rollouts) {
      const Json metrics = parse_json(line, "metrics");
      const auto ratio = [&](const char* name) { return metrics[format("clip_ratio/{}", name)].get<double>(); };
      EXPECT_NEAR(ratio("region_mean"), ratio("low_mean") + ratio("high_mean"), 1e-12);
      EXPECT_LE(ratio("low_min"), ratio("low_mean"));
      EXPECT_GE(ratio("high_max"), ratio("high_mean"));
      clipped += ratio("region_mean");
      uneven += ratio("low_mean") - ratio("low_min") + ratio("high_max") - ratio("high_mean");
      EXPECT_EQ(metrics["step"], passes * (rollouts + 1));
    }
    EXPECT_EQ(rollouts, 4 / passes);
    EXPECT_EQ(clipped > 0, passes == 2) << clipped;
    EXPECT_EQ(uneven > 0, passes == 2) << uneven;
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
