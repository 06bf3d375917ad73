// For tests: a GRPO trainer of the embedded judge over the embedded world, with everything it refers to.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "judge/judge_model.h"
#include "train/grpo.h"
#include "train/testing.h"

namespace beholder::train {

inline const judge::JudgeModel& embedded() {
  static const judge::JudgeModel kModel = judge::load_judge_model(format("{}/models/embedded", BEHOLDER_SOURCE_DIR));
  return kModel;
}

inline GrpoConfig small_run(const std::string& dir) {
  GrpoConfig c;
  c.output_dir = dir;
  c.model = embedded().dir;
  c.num_generations = 4;
  c.per_device_train_batch_size = 8;
  c.max_completion_length = 96;
  c.learning_rate = 1e-4;
  c.max_steps = 4;
  c.logging_steps = 1;
  c.save_steps = 2;
  c.seed = 3;
  return c;
}

inline vlm::Model own_copy(at::ScalarType dtype = at::kFloat) {
  vlm::Model model = embedded().model;
  for (const auto& [name, value] : embedded().model.params.all()) model.params.set(name, value.detach().to(dtype).clone());
  model.dtype = dtype;
  return model;
}

// The embedded world with items changed, or things done when one is asked for.
class ChangedWorld : public PreferenceSource {
 public:
  std::function<void(std::int64_t number, PreferenceItem& item)> change;

  PreferenceItem item(std::int64_t number) const override {
    PreferenceItem out = world_->item(number);
    change(number, out);
    return out;
  }

 private:
  std::unique_ptr<PreferenceSource> world_ = world_preferences({}, world::Split::kTrain, 0);
};

// A trainer over the embedded world, with everything it refers to.
class Bench {
 public:
  std::unique_ptr<PreferenceSource> source = world_preferences({}, world::Split::kTrain, 0);
  Listener listener{embedded().spec, embedded().model, false};
  GrpoTrainer trainer;

  // `change`: what a test wants otherwise.
  explicit Bench(
      const GrpoConfig& config, at::ScalarType dtype = at::kFloat, const std::function<void(GrpoTask&)>& change = [](GrpoTask&) {})
      : trainer(task(config, dtype, change)) {}

 private:
  GrpoTask task(const GrpoConfig& config, at::ScalarType dtype, const std::function<void(GrpoTask&)>& change) {
    GrpoTask out{.config = config,
                 .spec = &embedded().spec,
                 .model = own_copy(dtype),
                 .reference = config.loss.beta > 0 ? std::optional(own_copy(dtype)) : std::nullopt,
                 .model_files = {},
                 .train = source.get(),
                 .listener = config.listener.empty() ? nullptr : &listener};
    change(out);
    return out;
  }
};

inline std::map<std::string, at::Tensor> gradients(const GrpoTrainer& trainer) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, value] : trainer.model().params.all())
    if (value.grad().defined()) out[name] = value.grad().clone();
  return out;
}

// Largest difference, relative to the largest entry of the gradient it belongs to.
inline double worst_difference(const std::map<std::string, at::Tensor>& a, const std::map<std::string, at::Tensor>& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  for (const auto& [name, value] : a) {
    const double scale = value.abs().max().item<double>();
    if (scale > 1e-7) worst = std::max(worst, (value - b.at(name)).abs().max().item<double>() / scale);
  }
  return worst;
}

// `gradient`'s largest entry of each parameter in `names` against central differences of the loss of `batch`; in double.
inline void expect_central_differences(Bench& bench, const RolloutBatch& batch, const std::map<std::string, at::Tensor>& gradient,
                                       const std::vector<std::string>& names) {
  constexpr double kStep = 1e-5;
  for (const std::string& name : names) {
    const at::Tensor value = bench.trainer.model().params[name].detach();  // shares memory with the leaf
    const at::Tensor& g = gradient.at(name);
    const std::int64_t at = g.abs().flatten().argmax().item<std::int64_t>();
    double* entry = value.data_ptr<double>() + at;
    const double before = *entry;
    *entry = before + kStep;
    const double above = bench.trainer.accumulate(batch);
    *entry = before - kStep;
    const double below = bench.trainer.accumulate(batch);
    *entry = before;
    const double want = (above - below) / (2 * kStep), got = g.flatten()[at].item<double>();
    EXPECT_GT(std::abs(want), 1e-6) << name;
    EXPECT_NEAR(got, want, 1e-5 * std::max(1e-3, std::abs(want))) << name;
  }
}

// Runs `config` (4 steps of one update each) in `straight` at once and in `stopped` with a stop after the first, and expects equal
// bytes in the files of the last checkpoint, `weights` among them, and equal metrics.
inline void expect_stopped_equals_straight(GrpoConfig config, const TempDir& straight, const TempDir& stopped, const char* weights) {
  config.output_dir = straight.path();
  {
    Bench bench(config);
    bench.trainer.resume();
    bench.trainer.run();
  }
  config.output_dir = stopped.path();
  {
    Bench bench(config);
    bench.trainer.resume();
    set_interrupted(true);
    EXPECT_TRUE(bench.trainer.run().interrupted);
    set_interrupted(false);
  }
  Bench bench(config);
  EXPECT_EQ(bench.trainer.resume(), 1);
  EXPECT_EQ(bench.trainer.run().step, 4);
  for (const char* file : {weights, "optimizer.safetensors", "state.json"})
    EXPECT_EQ(read_file(format("{}/step-4/{}", straight.path(), file)), read_file(format("{}/step-4/{}", stopped.path(), file))) << file;
  EXPECT_EQ(metrics(straight.path()), metrics(stopped.path()));
}

}  // namespace beholder::train
