// What is trained and what is not: adapters, a frozen tower, gradient checkpointing, through the whole step of GRPO.
#include "train/trained.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/interrupt.h"
#include "hf/safetensors.h"
#include "train/grpo_bench.h"
#include "train/run_setup.h"
#include "train/sft.h"
#include "vlm/lora.h"

namespace beholder::train {
namespace {

GrpoConfig adapter_run(const std::string& dir) {
  GrpoConfig c = small_run(dir);
  c.use_peft = true;
  c.lora_r = 4;
  c.lora_alpha = 8;
  c.learning_rate = 1e-2;
  return c;
}

std::int64_t leaves(const vlm::Model& model) {
  std::int64_t count = 0;
  for (const auto& [name, value] : model.params.all()) count += value.requires_grad();
  return count;
}

// The whole step in double, with the KL to the base: the reference is the same weights without the branch.
TEST(LoraOracle, GradientIsTheFiniteDifferenceOfTheLoss) {
  TempDir dir;
  GrpoConfig c = adapter_run(dir.path());
  c.num_generations = 2;
  c.per_device_train_batch_size = 4;
  c.loss.beta = 0.1;
  Bench bench(c, at::kDouble);
  const std::string module = "model.layers.1.self_attn.q_proj.", mlp = "model.layers.3.mlp.down_proj.";
  for (const std::string& name : {module + "lora_B.weight", mlp + "lora_B.weight"}) {  // with B zero, A has no gradient
    at::Tensor b = bench.trainer.model().params[name].detach();
    b.copy_(at::linspace(-0.05, 0.05, b.numel(), at::kDouble).view(b.sizes()));
  }
  const RolloutBatch batch = bench.trainer.rollout();
  bench.trainer.accumulate(batch);
  const auto gradient = gradients(bench.trainer);
  EXPECT_EQ(static_cast<std::int64_t>(gradient.size()), 2 * 7 * embedded().model.config.text.num_layers) << "only the pairs have gradients";
  expect_central_differences(bench, batch, gradient,
                             {module + "lora_A.weight", module + "lora_B.weight", mlp + "lora_A.weight", mlp + "lora_B.weight"});
}

TEST(LoraInvariant, StoppedAndResumedEqualsStraight) {
  TempDir straight, stopped;
  const GrpoConfig c = adapter_run(stopped.path());
  expect_stopped_equals_straight(c, straight, stopped, "adapter_model.safetensors");
  EXPECT_FALSE(std::filesystem::exists(straight / "step-4/model.safetensors")) << "the base is not written again";

  const vlm::Model loaded = vlm::load_model(straight / "step-4");  // a checkpoint is an adapter's folder
  const char* moved = "model.layers.0.self_attn.q_proj.weight";
  EXPECT_FALSE(at::equal(loaded.params[moved], embedded().model.params[moved]));

  GrpoConfig other = c;
  other.lora_r = 8;
  EXPECT_THROW(Bench(other).trainer.resume(), Error);
}

TEST(LoraInvariant, TrainingLeavesTheBaseAsItIs) {
  TempDir dir;
  Bench bench(adapter_run(dir.path()));
  bench.trainer.resume();
  bench.trainer.run();
  for (const auto& [name, value] : embedded().model.params.all())
    EXPECT_TRUE(at::equal(value.to(at::kFloat), bench.trainer.model().params[name])) << "the base moved: " << name;
}

TEST(LoraInvariant, AnotherBaseCannotGoOn) {
  vlm::Model a = own_copy(), b = own_copy();
  GrpoConfig c;
  c.use_peft = true;
  make_trained(c, a);
  b.params.set("visual.merger.mlp.2.bias", b.params["visual.merger.mlp.2.bias"] + 1e-3);
  make_trained(c, b);
  EXPECT_NE(frozen_sha256(a), frozen_sha256(b));
  vlm::Model whole = own_copy();
  make_trained(GrpoConfig{}, whole);
  EXPECT_EQ(frozen_sha256(whole), "") << "nothing is frozen";
}

TEST(LoraInvariant, TheBaseIsNeitherCopiedNorTrained) {
  vlm::Model model = vlm::load_model(embedded().dir, {.dtype = at::kFloat, .device = at::kCPU});
  GrpoConfig c;
  c.use_peft = true;
  c.lora_target_modules = {"v_proj"};
  const vlm::Model before = model;
  EXPECT_EQ(std::ssize(make_trained(c, model)), 2 * model.config.text.num_layers);
  EXPECT_EQ(leaves(model), 2 * model.config.text.num_layers);
  for (const auto& [name, value] : before.params.all()) EXPECT_EQ(model.params[name].data_ptr(), value.data_ptr()) << name;
}

TEST(RunIdentity, OnlyWhatDecidesTheNumbersCounts) {
  GrpoConfig plain, other;
  other.lora_r = 4;
  other.gradient_checkpointing = true;
  EXPECT_EQ(numeric_config(plain), numeric_config(other)) << "the rank of no adapter";
  plain.use_peft = other.use_peft = true;
  EXPECT_EQ(config_differences(numeric_config(plain), numeric_config(other)), std::vector<std::string>{"lora_r"});
  GrpoConfig frozen;
  frozen.freeze_vision_tower = true;
  EXPECT_EQ(config_differences(numeric_config(GrpoConfig{}), numeric_config(frozen)), std::vector<std::string>{"freeze_vision_tower"});
}

TEST(FreezeInvariant, TheTowerKeepsItsBytesAndTheRestMoves) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  c.freeze_vision_tower = true;
  c.max_steps = 2;
  Bench bench(c);
  bench.trainer.resume();
  bench.trainer.run();
  EXPECT_EQ(leaves(bench.trainer.model()),
            std::ranges::count_if(embedded().model.params.all(), [](const auto& p) { return !p.first.starts_with("visual."); }));
  export_model(c, "final", bench.trainer.model(), {}, at::kFloat);
  for (const char* folder : {"final", "step-2"}) {
    const vlm::Model trained = vlm::load_model(dir / folder);
    for (const auto& [name, value] : embedded().model.params.all()) {
      const at::Tensor now = trained.params[name], then = value.to(at::kFloat);
      if (name.ends_with("k_proj.bias")) continue;  // its true gradient is 0
      EXPECT_EQ(at::equal(now, then), name.starts_with("visual.")) << name;
    }
  }
}

TEST(GradientCheckpointingInvariant, AStepOfGrpoIsTheSame) {
  for (const bool adapter : {false, true}) {
    TempDir dir;
    GrpoConfig c = adapter ? adapter_run(dir.path()) : small_run(dir.path());
    Bench kept(c);
    c.gradient_checkpointing = true;
    Bench again(c);
    EXPECT_EQ(kept.trainer.accumulate(kept.trainer.rollout()), again.trainer.accumulate(again.trainer.rollout()));
    const auto a = gradients(kept.trainer), b = gradients(again.trainer);
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, value] : a) EXPECT_TRUE(at::equal(value, b.at(name))) << name;
  }
}

TEST(TrainSft, WritesAnAdapterThatGoesOnFromItsBase) {
  TempDir dir;
  SftConfig c;
  c.output_dir = dir / "run";
  c.model = embedded().dir;
  c.use_peft = true;
  c.max_steps = 2;
  c.per_device_train_batch_size = 2;
  c.learning_rate = 1e-2;
  c.world.stage_mix = {"pair"};
  c.world.stage_steps = {2};
  const std::string final = train_sft(c).final_dir;
  EXPECT_TRUE(std::filesystem::exists(final + "/README.md"));
  EXPECT_FALSE(std::filesystem::exists(final + "/tokenizer.json"));
  const judge::JudgeModel trained = judge::load_judge_model(final);
  EXPECT_EQ(trained.spec.tokenizer.size(), embedded().spec.tokenizer.size());
  EXPECT_FALSE(
      at::equal(trained.model.params["model.layers.0.mlp.up_proj.weight"], embedded().model.params["model.layers.0.mlp.up_proj.weight"]));
  c.model = final;
  c.output_dir = dir / "stacked";
  try {
    train_sft(c);
    ADD_FAILURE() << "an adapter on an adapter";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUsage);
    EXPECT_NE(std::string(e.what()).find(embedded().dir), std::string::npos) << e.what();
  }
  c.use_peft = false;
  EXPECT_TRUE(std::filesystem::exists(train_sft(c).final_dir + "/model.safetensors")) << "whole weights go on from the merged ones";
  c.model = "";
  c.use_peft = true;
  EXPECT_THROW(validate(c), Error);
}

}  // namespace
}  // namespace beholder::train
