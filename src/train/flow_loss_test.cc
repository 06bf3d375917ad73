// The two losses of a generator's training, against numbers and finite differences.
#include "train/flow_loss.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "train/flow_bench.h"

namespace beholder::train {
namespace {

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

}  // namespace
}  // namespace beholder::train
