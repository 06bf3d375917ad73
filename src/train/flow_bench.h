// For tests: a tiny generator, what it learns from, and a trainer with everything it refers to.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "train/train_flow.h"

namespace beholder::train {

inline gen::GeneratorConfig tiny_shape(std::int64_t frames = 1) {
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

inline GeneratorRunConfig tiny_flow(const std::string& dir) {
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

inline gen::Generator tiny_generator(std::int64_t frames = 1) {
  const TempDir dir;
  write_fresh_generator(dir.path(), tiny_shape(frames), 5);
  return gen::load_generator(dir.path());
}

// Everything a trainer refers to.
struct FlowBench {
  const FlowConfig& config;
  const FlowObjective& objective;
  const FlowSource& source;
  FlowTrainer trainer;

  FlowBench(const FlowConfig& c, const FlowObjective& o, const FlowSource& s, gen::Generator generator, double dropout = 0.1)
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

}  // namespace beholder::train
