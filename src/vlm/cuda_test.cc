// The same numbers on a GPU. Skipped where there is none: `ctest -R Cuda` on a machine that has one.
#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "vlm/generate.h"
#include "vlm/oracle_cases.h"

namespace beholder::vlm {
namespace {

class CudaOracle : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  }
  Loaded on_gpu() const { return Loaded(GetParam(), at::Device(at::kCUDA)); }
};

struct LossAndGradients {
  double loss = 0;
  std::map<std::string, at::Tensor> gradients;
};

LossAndGradients of_prompt(Loaded& loaded, const Segment& prompt) {
  const std::vector<std::string> names = make_leaves(loaded.model);
  const at::Tensor loss = prompt_loss(loaded.model, prompt);
  loss.backward();
  LossAndGradients out{.loss = loss.item<double>(), .gradients = {}};
  for (const std::string& name : names)
    if (loaded.model.params[name].grad().defined()) out.gradients[name] = loaded.model.params[name].grad().to(at::kCPU);
  return out;
}

TEST_P(CudaOracle, LossAndGradientsAreThoseOfTheCpu) {
  Loaded cpu(GetParam()), gpu = on_gpu();
  const Segment prompt = prompt_of(cpu, "image_and_video");
  const LossAndGradients here = of_prompt(cpu, prompt), there = of_prompt(gpu, prompt);
  EXPECT_NEAR(here.loss, there.loss, 1e-4);
  EXPECT_GT(peak_device_memory_gb(gpu.model.device), 0);
  EXPECT_EQ(peak_device_memory_gb(cpu.model.device), 0);
  ASSERT_EQ(here.gradients.size(), there.gradients.size());
  for (const auto& [name, gradient] : here.gradients)
    if (gradient.norm().item<double>() > 1e-6) {
      EXPECT_LT(relative_error(there.gradients.at(name), gradient), 1e-3) << name;
    }
}

TEST_P(CudaOracle, SamplesAreThoseOfTheCpu) {
  const Loaded cpu(GetParam()), gpu = on_gpu();
  const std::vector<Request> requests = {{prompt_of(cpu, "pair_mixed"), 4, 1}, {prompt_of(cpu, "text_only"), 4, 2}};
  SamplingOptions options;
  options.max_new_tokens = 24;
  options.seed = 5;
  for (std::int64_t id = 100; id < 160; ++id) options.stop_ids.push_back(id);  // so that a step is recorded again behind a compaction
  const auto here = ModelSampler(cpu.model).sample(requests, options), there = ModelSampler(gpu.model).sample(requests, options);
  for (std::size_t r = 0; r < requests.size(); ++r)
    for (std::size_t g = 0; g < here[r].size(); ++g) {
      ASSERT_EQ(here[r][g].ids, there[r][g].ids);
      for (std::size_t i = 0; i < here[r][g].ids.size(); ++i) EXPECT_NEAR(here[r][g].logprobs[i], there[r][g].logprobs[i], 1e-3);
    }
}

INSTANTIATE_TEST_SUITE_P(Presets, CudaOracle, ::testing::Values("tiny", "tiny_qwen2vl", "tiny_qwen3vl", "embedded"),
                         [](const auto& i) { return std::string(i.param); });

}  // namespace
}  // namespace beholder::vlm
