#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <torch/types.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/rng.h"
#include "train/run_dir.h"
#include "train/sft_trainer.h"
#include "train/testing.h"

extern char** environ;

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::int64_t kImage = 50, kVideo = 51, kVisionStart = 52, kVisionEnd = 53, kEnd = 54, kVocab = 64;

hf::ModelConfig tiny_config() {
  return hf::parse_model_config(
      parse_json(R"({"model_type": "qwen2_5_vl", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "vocab_size": 64,
        "max_position_embeddings": 256, "tie_word_embeddings": true, "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
        "image_token_id": 50, "video_token_id": 51, "vision_start_token_id": 52, "vision_end_token_id": 53, "eos_token_id": 54,
        "vision_config": {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 32, "patch_size": 4,
          "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 16, "fullatt_block_indexes": [1], "hidden_act": "silu"}})",
                 "tiny"),
      "tiny");
}

// A picture of 2 x 4 patches, bright or dark; the completion says which, then repeats the prompt's word.
class BrightOrDark : public SftSource {
 public:
  std::int64_t poisoned_step = -1, broken_step = -1;  // a NaN in a picture; items that cannot be used
  std::int64_t broken_below = 0;                      // how many of that step's
  std::int64_t milliseconds = 0;                      // work per example
  std::int64_t items = 0;                             // above 0: only so many different ones

  SftExample example(std::int64_t step, std::int64_t index) const override {
    if (milliseconds > 0) std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    if (step == broken_step && index < broken_below) return {.id = format("s{}-{}", step, index), .problem = "picture is cut short"};
    Rng rng = items > 0 ? Rng(7, (step + index) % items) : Rng(7, step, index);
    const bool bright = rng.chance(0.5);
    vlm::Media media{.patches = torch::empty({8, 96}), .t = 1, .h = 2, .w = 4};
    float* values = media.patches.data_ptr<float>();
    for (int i = 0; i < 8 * 96; ++i) values[i] = static_cast<float>((bright ? 0.8 : -0.8) + 0.3 * rng.normal());
    if (step == poisoned_step && index == 1) values[5] = std::numeric_limits<float>::quiet_NaN();
    const auto word = static_cast<std::int64_t>(rng.below(8));
    SftExample out{.id = format("s{}-{}", step, index)};
    out.segment.ids = {1, kVisionStart, kImage, kImage, kVisionEnd, 10 + word};
    for (std::uint64_t extra = rng.below(4); extra > 0; --extra) out.segment.ids.push_back(20);
    out.completion_begin = static_cast<std::int64_t>(out.segment.ids.size());
    for (const std::int64_t id : {std::int64_t{bright ? 30 : 31}, 10 + word, kEnd}) out.segment.ids.push_back(id);
    out.segment.media = {media};
    return out;
  }
};

SftConfig tiny_sft(const std::string& dir) {
  SftConfig c;
  c.output_dir = dir;
  c.learning_rate = 5e-3;
  c.per_device_train_batch_size = 4;
  c.gradient_accumulation_steps = 2;
  c.max_steps = 9;
  c.warmup_steps = 2;
  c.weight_decay = 0.01;
  c.logging_steps = 2;
  c.save_steps = 3;
  c.eval_steps = 4;
  c.eval_examples = 8;
  return c;
}

SftTrainer make_trainer(const SftConfig& config, const BrightOrDark& source) {
  return SftTrainer({.config = config,
                     .model = vlm::init_model(tiny_config(), static_cast<std::uint64_t>(config.seed)),
                     .model_files = {{"tokenizer.json", "{}"}},
                     .train = &source,
                     .validation = &source});
}

SftResult run(const SftConfig& config, const BrightOrDark& source = {}) {
  SftTrainer trainer = make_trainer(config, source);
  trainer.resume();
  return trainer.run();
}

void expect_same_run(const std::string& a, const std::string& b, std::int64_t step) {
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"})
    EXPECT_EQ(read_file(format("{}/step-{}/{}", a, step, file)), read_file(format("{}/step-{}/{}", b, step, file))) << file;
  EXPECT_EQ(metrics(a), metrics(b));
}

TEST(SftLearn, LearnsWhatThePictureShows) {
  TempDir dir;
  SftConfig c = tiny_sft(dir.path());
  c.max_steps = 150;
  c.save_steps = c.logging_steps = c.eval_steps = 150;
  c.eval_examples = 64;
  BrightOrDark source;
  SftTrainer trainer = make_trainer(c, source);
  const double before = trainer.evaluate().loss;
  trainer.resume();
  trainer.run();
  const Scores after = trainer.evaluate();
  EXPECT_GT(before, 3.0);
  EXPECT_LT(after.loss, 0.1);
  EXPECT_GT(after.accuracy, 0.97);  // without seeing: at most 2/3 + 1/6
}

TEST(SftInvariant, StoppedAndResumedEqualsStraight) {
  TempDir straight, stopped;
  run(tiny_sft(straight.path()));
  for (int sessions = 0; sessions < 20; ++sessions) {  // asked to stop after every step
    set_interrupted(true);
    const SftResult result = run(tiny_sft(stopped.path()));
    set_interrupted(false);
    EXPECT_EQ(result.interrupted, result.step < 9);
    if (!result.interrupted) break;
  }
  expect_same_run(straight.path(), stopped.path(), 9);
}

// Run only as the victim of the next test.
TEST(DISABLED_SftVictim, Trains) {
  const char* dir = std::getenv("BEHOLDER_VICTIM_DIR");
  ASSERT_NE(dir, nullptr);
  BrightOrDark slow;
  slow.milliseconds = 15;
  run(tiny_sft(dir), slow);
}

void run_and_kill(const std::string& dir, const std::string& when_exists, std::chrono::milliseconds after) {
  const std::string variable = "BEHOLDER_VICTIM_DIR=" + dir;
  std::vector<char*> environment{const_cast<char*>(variable.c_str())};
  for (char** e = environ; *e; ++e)
    if (!std::string_view(*e).starts_with("GTEST_")) environment.push_back(*e);  // a shard of one test may hold none
  environment.push_back(nullptr);
  const char* arguments[] = {"train_test", "--gtest_also_run_disabled_tests", "--gtest_filter=DISABLED_SftVictim.*", nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environment.data()), 0);
  for (int i = 0; i < 6000 && !fs::exists(dir + "/" + when_exists); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "ended before it could be killed";
  }
  std::this_thread::sleep_for(after);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "was not killed in time";
}

TEST(SftInvariant, KilledAndResumedEqualsStraight) {
  TempDir straight, killed;
  run(tiny_sft(straight.path()));
  run_and_kill(killed.path(), "metrics.jsonl", std::chrono::milliseconds(20));  // before the first checkpoint
  run_and_kill(killed.path(), "step-3/manifest.json", std::chrono::milliseconds(60));
  run_and_kill(killed.path(), "step-6/manifest.json", std::chrono::milliseconds(0));
  run(tiny_sft(killed.path()));
  expect_same_run(straight.path(), killed.path(), 9);
}

TEST(SftInvariant, ANewestCheckpointThatIsBrokenIsPassedOver) {
  TempDir straight, broken;
  run(tiny_sft(straight.path()));
  run(tiny_sft(broken.path()));
  fs::resize_file(broken / "step-9/model.safetensors", 100);
  run(tiny_sft(broken.path()));
  expect_same_run(straight.path(), broken.path(), 9);
}

TEST(SftInvariant, AccumulationEqualsOneLargeBatch) {
  TempDir one, four;
  SftConfig c = tiny_sft(one.path());
  c.per_device_train_batch_size = 8;
  c.gradient_accumulation_steps = 1;
  BrightOrDark source;
  SftTrainer large = make_trainer(c, source);
  large.resume();
  large.run();
  c.output_dir = four.path();
  c.per_device_train_batch_size = 2;
  c.gradient_accumulation_steps = 4;
  SftTrainer small = make_trainer(c, source);
  small.resume();
  small.run();
  const double a = large.evaluate().loss, b = small.evaluate().loss;
  EXPECT_NEAR(a, b, 2e-3 * a);
  const Json first = parse_json(metrics(one.path())[0], "m"), second = parse_json(metrics(four.path())[0], "m");
  EXPECT_NEAR(first["loss"], second["loss"], 1e-5);
  EXPECT_NEAR(first["grad_norm"], second["grad_norm"], 1e-3);
}

TEST(Sft, ALossThatIsNotFiniteStopsAndNamesTheBatch) {
  TempDir dir;
  BrightOrDark source;
  source.poisoned_step = 4;
  try {
    run(tiny_sft(dir.path()), source);
    FAIL() << "trained on a NaN";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidInput);
    EXPECT_EQ(e.where(), "step 5");
    EXPECT_THAT(e.what(), HasSubstr("s4-1"));
    EXPECT_THAT(e.what(), HasSubstr("step 3 is intact"));
  }
  EXPECT_EQ(checkpoint_steps(dir.path()), (std::vector<std::int64_t>{3}));
  for (const auto& [name, value] : load_checkpoint(dir / "step-3").model) EXPECT_TRUE(torch::isfinite(value).all().item<bool>()) << name;
}

TEST(Sft, ExamplesThatCannotBeUsedAreCountedAndTheRestTrains) {
  TempDir dir;
  BrightOrDark source;
  source.broken_step = 4;
  source.broken_below = 3;
  const SftResult result = run(tiny_sft(dir.path()), source);
  EXPECT_EQ(result.step, 9);
  EXPECT_EQ(result.skipped, 3);
  EXPECT_EQ(parse_json(metrics(dir.path()).back(), "m").value("eval_loss", -1.0) > 0, true);
}

TEST(Sft, ABatchOfWhichNothingCanBeUsedIsAnError) {
  TempDir dir;
  BrightOrDark source;
  source.broken_step = 2;
  source.broken_below = 100;
  EXPECT_THROW(run(tiny_sft(dir.path()), source), Error);
}

TEST(Sft, LongExamplesAreCountedNotCut) {
  TempDir dir;
  SftConfig c = tiny_sft(dir.path());
  c.max_length = 10;  // some have 12 tokens
  const SftResult result = run(c);
  EXPECT_GT(result.skipped, 0);
  EXPECT_LT(result.skipped, 9 * 8);
}

TEST(Sft, ResumingAnotherConfigurationIsRefused) {
  TempDir dir;
  SftConfig c = tiny_sft(dir.path());
  c.max_steps = 3;
  run(c);
  SftConfig other = c;
  other.learning_rate = 1e-4;
  other.save_steps = 1;  // may change
  try {
    run(other);
    FAIL() << "resumed with another learning rate";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUsage);
    EXPECT_THAT(e.what(), HasSubstr("another learning_rate"));
  }
  other = c;
  other.resume_from_checkpoint = "none";
  EXPECT_THROW(run(other), Error);
  other.resume_from_checkpoint = dir / "step-3";
  EXPECT_EQ(run(other).step, 3);
}

TEST(Sft, ACheckpointIsAModelFolder) {
  TempDir dir;
  SftConfig c = tiny_sft(dir.path());
  c.max_steps = 3;
  BrightOrDark source;
  SftTrainer trainer = make_trainer(c, source);
  trainer.resume();
  trainer.run();
  EXPECT_TRUE(fs::exists(dir / "step-3/tokenizer.json"));
  const vlm::Model loaded = vlm::load_model(dir / "step-3");
  for (const auto& [name, value] : loaded.params.all()) EXPECT_TRUE(torch::equal(value, trainer.model().params[name])) << name;
}

TEST(SftLearn, Bfloat16ComputesWithFloat32Weights) {
  TempDir dir;
  SftConfig c = tiny_sft(dir.path());
  c.max_steps = 60;
  c.save_steps = c.logging_steps = 60;
  c.eval_steps = 0;
  c.bf16 = true;
  BrightOrDark source;
  SftTrainer trainer = make_trainer(c, source);
  const double before = trainer.evaluate().loss;
  trainer.resume();
  trainer.run();
  EXPECT_LT(trainer.evaluate().loss, 0.5 * before);
  EXPECT_EQ(trainer.model().params["model.norm.weight"].scalar_type(), at::kFloat);
}

class Throwing : public SftSource {
 public:
  SftExample example(std::int64_t step, std::int64_t index) const override {
    if (step == 2) throw Error(Code::kUnsupported, "source", "no more");
    return BrightOrDark().example(step, index);
  }
};

TEST(BatchPrefetcher, GivesStepsInOrderAndPassesOnExceptions) {
  const Throwing source;
  BatchPrefetcher batches(source, 0, 10, {0, 3}, 100);
  EXPECT_EQ(batches.next().step, 0);
  const SftBatch second = batches.next();
  EXPECT_EQ(second.ids(), "s1-0, s1-1, s1-2");
  EXPECT_EQ(second.micro_batches(2).size(), 2u);
  EXPECT_THROW(batches.next(), Error);
}

TEST(BatchPrefetcher, MayBeLeftEarly) {
  const BrightOrDark source;
  BatchPrefetcher batches(source, 0, 1'000'000, {0, 2}, 100);
  batches.next();
}

TEST(RunLock, TwoProcessesCannotShareAFolder) {
  TempDir dir;
  {
    const RunLock lock(dir.path());
    try {
      const RunLock second(dir.path());
      FAIL() << "two owners";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kUsage);
    }
  }
  EXPECT_NO_THROW(RunLock(dir.path()));
}

TEST(RunRecord, SaysWhatIsRun) {
  const Json record = run_record("train sft", {{"learning_rate", 1}}, 5);
  EXPECT_EQ(record["seed"], 5);
  EXPECT_FALSE(record["versions"]["libtorch"].get<std::string>().empty());
  EXPECT_FALSE(record["versions"]["git_revision"].get<std::string>().empty());
}

TEST(SftConfig, WhatCannotWorkIsRefusedBeforeAnythingStarts) {
  const auto refused = [](auto change) {
    SftConfig c;
    change(c);
    try {
      validate(c);
    } catch (const Error& e) {
      return e.code() == Code::kUsage;
    }
    return false;
  };
  EXPECT_NO_THROW(validate(SftConfig{}));
  EXPECT_TRUE(refused([](SftConfig& c) { c.warmup_steps = c.max_steps + 1; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.lr_scheduler_type = "constant", c.warmup_steps = 5; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.data = "x.jsonl"; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.world.stage_steps = {1}; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.world.stage_mix = {"single", "quad"}; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.init.fullatt_block_indexes = {4}; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.init.hidden_size = 100; }));
  EXPECT_TRUE(refused([](SftConfig& c) { c.world.pair_single_share = 0.9, c.world.pair_score_share = 0.2; }));
}

TEST(SftConfig, OnlyWhatDecidesNumbersCountsForAResume) {
  SftConfig a, b;
  b.output_dir = "elsewhere";
  b.save_steps = 1;
  EXPECT_TRUE(config_differences(numeric_config(a), numeric_config(b)).empty());
  b.init.hidden_size = 256;
  b.seed = 3;
  EXPECT_EQ(config_differences(numeric_config(a), numeric_config(b)), (std::vector<std::string>{"seed", "init.hidden_size"}));
}

}  // namespace
}  // namespace beholder::train
