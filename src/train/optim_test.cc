#include "train/optim.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/rng.h"

namespace beholder::train {
namespace {

at::Tensor leaf(std::vector<std::int64_t> shape, std::uint64_t seed) {
  at::Tensor t = torch::empty(shape, at::kFloat);
  Rng rng(seed);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return t.set_requires_grad(true);
}

// AdamW as the paper states it, in double, one number at a time.
struct Reference {
  std::vector<double> p, m, v;
  double decay;
  int t = 0;
  Reference(const at::Tensor& x, double weight_decay) : decay(weight_decay) {
    for (std::int64_t i = 0; i < x.numel(); ++i) p.push_back(x.data_ptr<float>()[i]);
    m.resize(p.size());
    v.resize(p.size());
  }
  void step(const at::Tensor& g, double lr, const AdamWOptions& o) {
    ++t;
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double gi = g.data_ptr<float>()[i];
      p[i] -= lr * decay * p[i];
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * gi;
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * gi * gi;
      p[i] -= lr * (m[i] / (1 - std::pow(o.beta1, t))) / (std::sqrt(v[i] / (1 - std::pow(o.beta2, t))) + o.epsilon);
    }
  }
};

void expect_close(const at::Tensor& x, const Reference& r, double tolerance) {
  for (std::size_t i = 0; i < r.p.size(); ++i) EXPECT_NEAR(x.data_ptr<float>()[i], r.p[i], tolerance * (1 + std::abs(r.p[i]))) << i;
}

TEST(AdamWOracle, FollowsThePapersFormulasForFortySteps) {
  const AdamWOptions options{.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.1};
  const at::Tensor matrix = leaf({7, 13}, 1), bias = leaf({13}, 2);
  Reference matrix_ref(matrix, 0.1), bias_ref(bias, 0.0);  // no decay on one dimension
  AdamW optimizer({{"w", matrix}, {"b", bias}}, options);
  for (int step = 0; step < 40; ++step) {
    const double lr = 0.02 * schedule_factor(Schedule::kCosine, step, 4, 40);
    matrix.mutable_grad() = leaf({7, 13}, 100 + step).detach();
    bias.mutable_grad() = leaf({13}, 200 + step).detach();
    matrix_ref.step(matrix.grad(), lr, options);
    bias_ref.step(bias.grad(), lr, options);
    optimizer.step(lr);
  }
  expect_close(matrix, matrix_ref, 5e-6);
  expect_close(bias, bias_ref, 5e-6);
}

TEST(AdamW, AParameterWithoutAGradientKeepsItsValueAndItsState) {
  const at::Tensor seen = leaf({2, 2}, 1), unseen = leaf({2, 2}, 2);
  const at::Tensor before = unseen.detach().clone();
  AdamW optimizer({{"seen", seen}, {"unseen", unseen}}, {.weight_decay = 0.5});
  seen.mutable_grad() = torch::ones({2, 2});
  optimizer.step(0.1);
  EXPECT_TRUE(torch::equal(unseen, before));
  const TensorMap state = optimizer.state();
  ASSERT_TRUE(state.contains("exp_avg/unseen"));
  EXPECT_EQ(state.at("steps")[0].item<float>(), 1);
  EXPECT_EQ(state.at("steps")[1].item<float>(), 0);
}

TEST(AdamWInvariant, SavedAndLoadedStateContinuesBitEqual) {
  const auto grad = [](int step) { return leaf({5, 3}, 50 + step).detach(); };
  const at::Tensor straight = leaf({5, 3}, 9), resumed = leaf({5, 3}, 9);
  AdamW one({{"w", straight}}, {.weight_decay = 0.01});
  auto two = std::make_unique<AdamW>(std::vector<NamedParam>{{"w", resumed}}, AdamWOptions{.weight_decay = 0.01});
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      TensorMap copy;
      for (const auto& [name, value] : two->state()) copy[name] = value.clone();
      two = std::make_unique<AdamW>(std::vector<NamedParam>{{"w", resumed}}, AdamWOptions{.weight_decay = 0.01});
      two->load_state(copy, "test");
    }
    straight.mutable_grad() = grad(step);
    resumed.mutable_grad() = grad(step);
    one.step(1e-2);
    two->step(1e-2);
  }
  EXPECT_TRUE(torch::equal(straight, resumed));
}

TEST(AdamW, StateOfAnotherModelIsRefused) {
  AdamW small({{"w", leaf({2, 2}, 1)}}, {}), large({{"w", leaf({3, 2}, 1)}}, {}), other({{"u", leaf({2, 2}, 1)}}, {});
  EXPECT_THROW(small.load_state(large.state(), "x"), Error);
  EXPECT_THROW(small.load_state(other.state(), "x"), Error);
}

TEST(ClipGradNorm, IsOneFactorForAllGradients) {
  const at::Tensor a = leaf({2}, 1), b = leaf({1, 1}, 2), none = leaf({4}, 3);
  a.mutable_grad() = torch::tensor({3.0f, 0.0f});
  b.mutable_grad() = torch::full({1, 1}, 4.0f);
  EXPECT_NEAR(grad_norm({{"a", a}, {"b", b}, {"none", none}}), 5.0, 1e-6);
  EXPECT_EQ(clip_factor(5, 0), 1.0);
  EXPECT_EQ(clip_factor(5, 10), 1.0);
  EXPECT_NEAR(clip_factor(5, 1), 0.2, 1e-6);
}

TEST(ClipGradNorm, AStepWithAFactorIsAStepOfScaledGradients) {
  const at::Tensor a = leaf({3, 4}, 1), b = a.detach().clone().set_requires_grad(true);
  AdamW clipped({{"w", a}}, {.weight_decay = 0.1}), scaled({{"w", b}}, {.weight_decay = 0.1});
  for (int step = 0; step < 3; ++step) {
    const at::Tensor gradient = at::randn({3, 4});
    a.mutable_grad() = gradient.clone();
    b.mutable_grad() = gradient * 0.3;
    clipped.step(1e-2, 0.3);
    scaled.step(1e-2);
  }
  EXPECT_TRUE(at::allclose(a, b, 1e-6, 1e-7));
  EXPECT_TRUE(at::allclose(clipped.state().at("exp_avg_sq/w"), scaled.state().at("exp_avg_sq/w"), 1e-5, 1e-9));
}

TEST(ClipGradNorm, ANormThatIsNotFiniteIsReported) {
  const at::Tensor a = leaf({2}, 1), b = leaf({2}, 2);
  a.mutable_grad() = torch::tensor({1.0f, std::numeric_limits<float>::quiet_NaN()});
  b.mutable_grad() = torch::ones({2});
  const double norm = grad_norm({{"a", a}, {"b", b}});
  EXPECT_FALSE(std::isfinite(norm));
  EXPECT_EQ(clip_factor(norm, 1), 1.0);
}

TEST(Schedules, HaveTransformersValues) {
  // get_{linear,cosine}_schedule_with_warmup(warmup 10, total 110)
  EXPECT_EQ(schedule_factor(Schedule::kLinear, 0, 10, 110), 0.0);
  EXPECT_DOUBLE_EQ(schedule_factor(Schedule::kLinear, 5, 10, 110), 0.5);
  EXPECT_DOUBLE_EQ(schedule_factor(Schedule::kLinear, 10, 10, 110), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(Schedule::kLinear, 60, 10, 110), 0.5);
  EXPECT_EQ(schedule_factor(Schedule::kLinear, 110, 10, 110), 0.0);
  EXPECT_NEAR(schedule_factor(Schedule::kCosine, 35, 10, 110), 0.8535533905932737, 1e-15);
  EXPECT_NEAR(schedule_factor(Schedule::kCosine, 60, 10, 110), 0.5, 1e-15);
  EXPECT_NEAR(schedule_factor(Schedule::kCosine, 110, 10, 110), 0.0, 1e-15);
  EXPECT_EQ(schedule_factor(Schedule::kConstant, 0, 10, 110), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(Schedule::kConstantWithWarmup, 3, 10, 110), 0.3);
  EXPECT_EQ(cycle_of(7, {}, 110).step, 7);
  EXPECT_EQ(cycle_of(7, {}, 110).total_steps, 110);
  EXPECT_EQ(cycle_of(69, {70, 40}, 110).step, 69) << "as if there were no second cycle";
  EXPECT_EQ(cycle_of(69, {70, 40}, 110).total_steps, 70);
  EXPECT_EQ(cycle_of(70, {70, 40}, 110).step, 0);
  EXPECT_EQ(cycle_of(109, {70, 40}, 110).step, 39);
  EXPECT_EQ(cycle_of(110, {70, 40}, 110).total_steps, 40);
  EXPECT_EQ(schedule_factor(Schedule::kConstantWithWarmup, 99, 10, 110), 1.0);
  EXPECT_EQ(schedule_factor(Schedule::kLinear, 0, 0, 4), 1.0);
  EXPECT_THROW(parse_schedule("cosin"), Error);
}

}  // namespace
}  // namespace beholder::train
