// Training of generators: both losses against numbers and finite differences, learning, resuming, and the sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/rng.h"
#include "gen/pixels.h"
#include "gen/sampler.h"
#include "media/encode.h"
#include "train/train_flow.h"

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

gen::GeneratorConfig tiny_shape(std::int64_t frames = 1) {
  gen::GeneratorConfig c;
  c.image_size = 8;
  c.patch_size = 4;
  c.num_frames = frames;
  c.fps = frames > 1 ? 4 : 0;
  c.hidden_size = 32;
  c.intermediate_size = 64;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 2;
  c.text.hidden_size = 16;
  c.text.num_hidden_layers = 1;
  c.text.num_attention_heads = 2;
  c.text.max_length = 8;
  return c;
}

// "red circle": a red picture; "blue circle": a blue one, always a little different. As pairs: the bright one is the better one.
class RedOrBlue : public FlowSource {
 public:
  explicit RedOrBlue(bool pairs = false, std::int64_t frames = 1) : pairs_(pairs), frames_(frames) {}
  std::int64_t broken_index = -1;

  FlowExample example(std::int64_t step, std::int64_t index) const override {
    FlowExample out{.id = format("e{}-{}", step, index), .prompt = {}, .clean = {}, .rejected = {}, .problem = {}};
    if (index == broken_index) {
      out.problem = "cut short";
      return out;
    }
    Rng rng(9, static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(index));
    const bool red = rng.chance(0.5);
    out.prompt = red ? "a red circle" : "a blue circle";
    out.clean = picture(rng, red ? 0 : 2, 0.6);
    if (pairs_) out.rejected = picture(rng, red ? 0 : 2, 0.0);
    return out;
  }
  std::vector<std::string> prompts(std::int64_t n) const override {
    std::vector<std::string> all{"a red circle", "a blue circle"};
    all.resize(static_cast<std::size_t>(std::min<std::int64_t>(n, 2)));
    return all;
  }

 private:
  at::Tensor picture(Rng& rng, std::int64_t channel, double level) const {
    at::Tensor x = torch::full({3, frames_, 8, 8}, -0.8);
    x[channel].fill_(level + 0.1 * rng.normal());
    return x;
  }
  bool pairs_;
  std::int64_t frames_;
};

GeneratorRunConfig tiny_run(const std::string& dir) {
  GeneratorRunConfig c;
  c.output_dir = dir;
  c.learning_rate = 3e-3;
  c.per_device_train_batch_size = 8;
  c.gradient_accumulation_steps = 2;
  c.max_steps = 6;
  c.warmup_steps = 2;
  c.logging_steps = 2;
  c.save_steps = 3;
  c.eval_steps = 3;
  c.eval_examples = 8;
  c.sample_prompts = 1;
  c.sample_steps = 2;
  c.ema_decay = 0.9;
  return c;
}

gen::Generator tiny_generator(std::int64_t frames = 1) {
  const TempDir dir;
  write_fresh_generator(dir.path(), tiny_shape(frames), 5);
  return gen::load_generator(dir.path());
}

// Everything a trainer refers to.
struct Bench {
  const FlowConfig& config;
  const FlowObjective& objective;
  const FlowSource& source;
  FlowTrainer trainer;

  Bench(const FlowConfig& c, const FlowObjective& o, const FlowSource& s, gen::Generator generator, double dropout = 0.1)
      : config(c),
        objective(o),
        source(s),
        trainer({.config = c,
                 .prompt_dropout = dropout,
                 .identity = {{"seed", c.seed}},
                 .generator = std::move(generator),
                 .model_files = {},
                 .objective = &o,
                 .train = &s,
                 .validation = &s}) {}
  FlowResult run() {
    trainer.resume();
    return trainer.run();
  }
};

// Mean level of a colour over the samples of a prompt.
double mean_level(const gen::Model& model, const hf::Tokenizer& tokenizer, const std::string& prompt, std::size_t channel) {
  double sum = 0;
  std::size_t n = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    for (const media::Image& frame : gen::sample(model, tokenizer, prompt, seed, {.steps = 8, .guidance = 1.5}))
      for (std::size_t i = channel; i < frame.rgb.size(); i += 3, ++n) sum += frame.rgb[i];
  return sum / static_cast<double>(n);
}

// ---- losses

TEST(FlowDpoOracle, LossIsTheFormula) {
  const at::Tensor w = torch::tensor({0.5, 2.0}), l = torch::tensor({0.7, 1.0}), rw = torch::tensor({0.6, 1.5}),
                   rl = torch::tensor({0.65, 1.25});
  const at::Tensor margins = dpo_margins(w, l, rw, rl, 10);
  EXPECT_NEAR(margins[0].item<double>(), 0.75, 1e-6);   // -10/2 * ((0.5 - 0.6) - (0.7 - 0.65))
  EXPECT_NEAR(margins[1].item<double>(), -3.75, 1e-6);  // -10/2 * ((2 - 1.5) - (1 - 1.25))
  EXPECT_NEAR(dpo_losses(margins)[0].item<double>(), -std::log(1 / (1 + std::exp(-0.75))), 1e-6);
  EXPECT_NEAR(dpo_losses(margins)[1].item<double>(), 3.773245, 1e-5);
  EXPECT_NEAR(dpo_losses(torch::tensor({-300.0}))[0].item<double>(), 300, 1e-6);
}

// Gradient of an objective's mean loss, in double, against central differences along random directions.
void expect_finite_differences(const FlowObjective& objective, gen::Model model, const FlowBatch& batch) {
  for (const auto& [name, value] : std::map(model.params.all().begin(), model.params.all().end()))
    model.params.set(name, value.detach().to(at::kDouble).set_requires_grad(true));
  model.dtype = at::kDouble;
  const auto loss = [&] { return objective.losses(model, batch).loss_B.mean(); };
  loss().backward();
  for (const std::uint64_t trial : {1, 2, 3}) {
    constexpr double kStep = 1e-5;
    double slope = 0;
    std::vector<std::pair<at::Tensor, at::Tensor>> moves;
    for (const auto& [name, value] : model.params.all()) {
      Rng rng(trial, stable_hash(name));
      at::Tensor direction = torch::empty_like(value, at::TensorOptions().requires_grad(false));
      for (std::int64_t i = 0; i < direction.numel(); ++i) direction.data_ptr<double>()[i] = 0.1 * rng.normal();
      if (value.grad().defined()) slope += (value.grad() * direction).sum().item<double>();
      moves.emplace_back(value, direction);
    }
    const at::NoGradGuard no_grad;
    const auto at = [&](double scale) {
      for (auto& [value, direction] : moves) value.add_(direction, scale);
      const double result = loss().item<double>();
      for (auto& [value, direction] : moves) value.sub_(direction, scale);
      return result;
    };
    const double difference = (at(kStep) - at(-kStep)) / (2 * kStep);
    EXPECT_NEAR(slope, difference, 1e-5 * std::max(1.0, std::abs(difference)));
    EXPECT_GT(std::abs(difference), 1e-4);
  }
}

gen::Model shaken(const gen::Model& model, std::uint64_t seed, double by) {
  gen::Model out = gen::frozen_copy(model);
  for (const auto& [name, value] : out.params.all()) {
    Rng rng(seed, stable_hash(name));
    float* data = at::Tensor(value).data_ptr<float>();
    for (std::int64_t i = 0; i < value.numel(); ++i) data[i] += static_cast<float>(by * rng.normal());
  }
  return out;
}

FlowBatch double_batch(const gen::Generator& generator, bool pairs) {
  const RedOrBlue source(pairs);
  FlowBatch batch = make_flow_batch(source, 0, {.size = 3, .seed = 1}, generator.model, generator.tokenizer);
  for (at::Tensor* x : {&batch.clean, &batch.rejected, &batch.noise, &batch.t_B})
    if (x->defined()) *x = x->to(at::kDouble);
  return batch;
}

TEST(FlowMatchingOracle, GradientIsTheFiniteDifference) {
  const gen::Generator generator = tiny_generator();
  expect_finite_differences(FlowMatching(), shaken(generator.model, 1, 0.1), double_batch(generator, false));
}

TEST(FlowDpoOracle, GradientIsTheFiniteDifference) {
  const gen::Generator generator = tiny_generator();
  gen::Model reference = shaken(generator.model, 1, 0.1);
  const gen::Model model = shaken(reference, 2, 0.01);
  for (const auto& [name, value] : std::map(reference.params.all().begin(), reference.params.all().end()))
    reference.params.set(name, value.to(at::kDouble));
  reference.dtype = at::kDouble;
  expect_finite_differences(FlowDpo(reference, 20), model, double_batch(generator, true));
}

TEST(FlowDpoInvariant, BeginsAtLogTwo) {
  const gen::Generator generator = tiny_generator();
  const gen::Model model = shaken(generator.model, 1, 0.1);
  const RedOrBlue source(true);
  const FlowBatch batch = make_flow_batch(source, 0, {.size = 4, .seed = 1}, model, generator.tokenizer);
  const FlowLosses losses = FlowDpo(model, 500).losses(model, batch);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(losses.loss_B[i].item<double>(), std::log(2.0), 1e-6);
}

// ---- learning

TEST(FlowLearn, ThePromptsColourIsPainted) {
  TempDir dir;
  GeneratorRunConfig c = tiny_run(dir.path());
  c.max_steps = c.logging_steps = c.save_steps = c.eval_steps = 150;
  const FlowMatching objective;
  const RedOrBlue source(false, 2);
  Bench bench(c, objective, source, tiny_generator(2));
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
  GeneratorRunConfig c = tiny_run(base.path());
  c.max_steps = c.logging_steps = c.save_steps = 150;
  c.eval_steps = 0;
  const FlowMatching matching;
  const RedOrBlue dull(false);
  Bench first(c, matching, dull, tiny_generator());
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
  Bench second(m, dpo, pairs, std::move(generator), 0);
  second.run();
  const std::map<std::string, double> after = second.trainer.evaluate();
  EXPECT_GT(after.at("accuracy"), 0.9);
  EXPECT_LT(after.at("loss"), 0.6);
  EXPECT_LT(after.at("chosen"), after.at("rejected"));
}

// ---- runs

std::vector<std::string> metrics(const std::string& dir) {
  std::vector<std::string> out;
  std::ifstream file(dir + "/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    Json json = parse_json(line, "metrics");
    for (const char* key : {"time", "step_time"}) json.erase(key);
    out.push_back(json.dump());
  }
  return out;
}

TEST(FlowInvariant, StoppedAndResumedEqualsStraight) {
  TempDir straight, stopped;
  const FlowMatching objective;
  const RedOrBlue source;
  const GeneratorRunConfig a = tiny_run(straight.path()), b = tiny_run(stopped.path());
  Bench(a, objective, source, tiny_generator()).run();
  for (int sessions = 0; sessions < 20; ++sessions) {
    set_interrupted(true);
    const FlowResult result = Bench(b, objective, source, tiny_generator()).run();
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
  GeneratorRunConfig a = tiny_run(one.path()), b = tiny_run(four.path());
  a.max_steps = b.max_steps = 1;
  a.warmup_steps = b.warmup_steps = 0;
  a.per_device_train_batch_size = 16;
  a.gradient_accumulation_steps = 1;
  b.per_device_train_batch_size = 4;
  b.gradient_accumulation_steps = 4;
  Bench x(a, objective, source, tiny_generator()), y(b, objective, source, tiny_generator());
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
