// Training of generators: learning, resuming, and the sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/interrupt.h"
#include "gen/sampler.h"
#include "media/image.h"
#include "train/flow_bench.h"
#include "train/testing.h"

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Mean level of a colour over the samples of a prompt.
double mean_level(const gen::Model& model, const hf::Tokenizer& tokenizer, const std::string& prompt, std::size_t channel) {
  double sum = 0;
  std::size_t n = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (const media::Image& frame : gen::sample(model, tokenizer, prompt, seed, {.steps = 8, .guidance = 1.5}))
      for (std::size_t i = channel; i < frame.rgb.size(); i += 3, ++n) sum += frame.rgb[i];
  return sum / static_cast<double>(n);
}

// ---- learning

TEST(FlowLearn, ThePromptsColourIsPainted) {
  TempDir dir;
  GeneratorRunConfig c = tiny_flow(dir.path());
  c.max_steps = c.logging_steps = c.save_steps = c.eval_steps = 150;
  const FlowMatching objective;
  const RedOrBlue source(false, 2);
  FlowBench bench(c, objective, source, tiny_generator(2));
  const double before = bench.trainer.evaluate().at("loss");
  bench.run();
  EXPECT_LT(bench.trainer.evaluate().at("loss"), 0.3 * before);
  const hf::Tokenizer tokenizer = tiny_generator(2).tokenizer;
  for (const std::size_t channel : {0u, 2u}) {
    const std::string prompt = channel == 0 ? "a red circle" : "a blue circle";
    EXPECT_GT(mean_level(bench.trainer.result(), tokenizer, prompt, channel), 150) << prompt;
    EXPECT_LT(mean_level(bench.trainer.result(), tokenizer, prompt, 2 - channel), 80) << prompt;
  }
  EXPECT_TRUE(fs::exists(dir / "samples/step-000150.png"));
}

TEST(FlowLearn, PreferencesMoveTheSamples) {
  TempDir base, aligned;
  GeneratorRunConfig c = tiny_flow(base.path());
  c.max_steps = c.logging_steps = c.save_steps = 150;
  c.eval_steps = 0;
  const FlowMatching matching;
  const RedOrBlue dull(false);
  FlowBench first(c, matching, dull, tiny_generator());
  first.run();
  gen::Generator generator = tiny_generator();
  generator.model = gen::frozen_copy(first.trainer.result());
  const gen::Model reference = gen::frozen_copy(generator.model);
  const hf::Tokenizer tokenizer = tiny_generator().tokenizer;
  MpoConfig m;
  m.output_dir = aligned.path();
  m.learning_rate = 3e-4;
  m.max_steps = m.logging_steps = m.save_steps = m.eval_steps = 60;
  m.eval_examples = 32;
  m.warmup_steps = 5;
  m.beta = 20;
  m.sample_prompts = 0;
  const FlowDpo dpo(reference, m.beta);
  const RedOrBlue pairs(true);
  FlowBench second(m, dpo, pairs, std::move(generator), 0);
  second.run();
  const std::map<std::string, double> after = second.trainer.evaluate();
  EXPECT_GT(after.at("accuracy"), 0.9);
  EXPECT_LT(after.at("loss"), 0.6);
  EXPECT_LT(after.at("chosen"), after.at("rejected"));
}

// ---- runs

TEST(FlowInvariant, StoppedAndResumedEqualsStraight) {
  TempDir straight, stopped;
  const FlowMatching objective;
  const RedOrBlue source;
  const GeneratorRunConfig a = tiny_flow(straight.path()), b = tiny_flow(stopped.path());
  FlowBench(a, objective, source, tiny_generator()).run();
  for (int sessions = 0; sessions < 20; ++sessions) {
    set_interrupted(true);
    const FlowResult result = FlowBench(b, objective, source, tiny_generator()).run();
    set_interrupted(false);
    if (!result.interrupted) break;
  }
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"})
    EXPECT_EQ(read_file(straight / format("step-6/{}", file)), read_file(stopped / format("step-6/{}", file))) << file;
  EXPECT_EQ(metrics(straight.path()), metrics(stopped.path()));
  EXPECT_EQ(read_file(straight / "samples/step-000006.png"), read_file(stopped / "samples/step-000006.png"));
}

TEST(FlowInvariant, AccumulationEqualsOneLargeBatch) {
  TempDir one, four;
  const FlowMatching objective;
  RedOrBlue source;
  source.broken_index = 3;  // the rest of the batch counts
  GeneratorRunConfig a = tiny_flow(one.path()), b = tiny_flow(four.path());
  a.max_steps = b.max_steps = 1;
  a.warmup_steps = b.warmup_steps = 0;
  a.per_device_train_batch_size = 16;
  a.gradient_accumulation_steps = 1;
  b.per_device_train_batch_size = 4;
  b.gradient_accumulation_steps = 4;
  FlowBench x(a, objective, source, tiny_generator()), y(b, objective, source, tiny_generator());
  EXPECT_EQ(x.run().skipped, 1);
  y.run();
  EXPECT_NEAR(x.trainer.evaluate().at("loss"), y.trainer.evaluate().at("loss"), 1e-5);
}

// ---- sources

TEST(FlowSources, TheWorldGivesScenesOfTheGeneratorsSize) {
  gen::GeneratorConfig shape = tiny_shape();
  shape.image_size = 64;
  const auto source = world_flow_source({.seed = 1, .fault_share = 0, .batch_size = 4}, shape);
  const FlowExample example = source->example(2, 1);
  EXPECT_EQ(example.clean.sizes(), at::IntArrayRef({3, 1, 64, 64}));
  EXPECT_TRUE(torch::equal(example.clean, source->example(1, 5).clean));
  EXPECT_FALSE(torch::equal(example.clean, source->example(2, 2).clean));
  const auto held_out = world_flow_source({.seed = 1, .fault_share = 0, .split = world::Split::kValidation, .batch_size = 4}, shape);
  EXPECT_FALSE(torch::equal(example.clean, held_out->example(2, 1).clean));
  shape.num_frames = 8;
  EXPECT_EQ(world_flow_source({}, shape)->example(0, 0).clean.sizes(), at::IntArrayRef({3, 8, 64, 64}));
  shape.num_frames = 4;
  EXPECT_THROW(world_flow_source({}, shape), Error);
}

TEST(FlowSources, PairsComeFromPreferenceRecords) {
  TempDir dir;
  for (const int level : {10, 200})
    write_file_atomic(dir / format("{}.png", level),
                      media::encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, static_cast<std::uint8_t>(level))}));
  write_file_atomic(dir / "pairs.jsonl", R"({"id":"a","prompt":"p","media":["200.png","10.png"],"target":{"pair":1}})"
                                         "\n"
                                         R"({"id":"b","prompt":"p","media":["200.png","10.png"],"target":{"pair":0.2}})"
                                         "\n"
                                         R"({"id":"c","prompt":"p","media":["200.png","10.png"],"target":{"pair":0.5}})"
                                         "\n"
                                         R"({"id":"d","prompt":"q","media":["200.png","lost.png"],"target":{"pair":1}})"
                                         "\nnot json\n");
  const auto source = record_flow_source({.path = dir / "pairs.jsonl", .pairs = true, .shuffle = false}, tiny_shape());
  EXPECT_EQ(source->epoch_examples(), 3);
  EXPECT_GT(source->example(0, 0).clean.mean().item<double>(), source->example(0, 0).rejected.mean().item<double>());
  EXPECT_LT(source->example(0, 1).clean.mean().item<double>(), source->example(0, 1).rejected.mean().item<double>());
  EXPECT_THAT(source->example(0, 2).problem, HasSubstr("lost.png"));
  EXPECT_EQ(source->prompts(5), (std::vector<std::string>{"p", "q"}));
  write_file_atomic(dir / "ties.jsonl", R"({"id":"c","prompt":"p","media":["200.png","10.png"],"target":{"pair":0.5}})");
  EXPECT_THROW(record_flow_source({.path = dir / "ties.jsonl", .pairs = true}, tiny_shape()), Error);
}

}  // namespace
}  // namespace beholder::train
