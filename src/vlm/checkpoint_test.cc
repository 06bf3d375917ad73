#include "vlm/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "vlm/lora.h"
#include "vlm/oracle_cases.h"

namespace beholder::vlm {
namespace {

class GradientCheckpointingInvariant : public ::testing::TestWithParam<const char*> {};

// Loss and gradients of two completions behind a prompt with a picture and a video, with and without keeping the layers' results.
TEST_P(GradientCheckpointingInvariant, SameLossAndGradients) {
  for (const bool adapter : {false, true}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
      Loaded loaded(GetParam());
      Model& model = loaded.model;
      std::vector<std::string> trained;
      for (const ParamSpec& spec : param_specs(model.config)) {
        model.params.set(spec.name, model.params[spec.name].to(dtype).clone());
        trained.push_back(spec.name);
      }
      model.dtype = dtype;
      if (adapter) {  // the embeddings below the first layer are frozen then
        trained = add_lora(model, {.r = 4, .alpha = 6, .target_modules = {"q_proj", "v_proj", "down_proj"}}, 1);
        for (const std::string& name : trained) model.params.set(name, model.params[name] + 0.05);
      }
      for (const std::string& name : trained) model.params.set(name, model.params[name].clone().set_requires_grad(true));
      const Segment prompt = prompt_of(loaded, "image_and_video");
      const std::vector<Segment> segments{prompt, {{5, 6, 7}, {}, 0}, {{8, 9}, {}, 0}};
      const auto run = [&](bool checkpointing) {
        model.gradient_checkpointing = checkpointing;
        for (const std::string& name : trained) model.params[name].mutable_grad() = at::Tensor();
        at::Tensor loss;
        {  // what the backward pass needs must not live here
          const Packed packed = pack(model.config, segments);
          const at::Tensor rows = at::tensor({packed.predictor(1, 0), packed.predictor(1, 2), packed.predictor(2, 1)}, at::kLong);
          loss = -token_logprobs(model, forward(model, packed), rows, at::tensor({5, 7, 9}, at::kLong)).mean();
        }
        loss.backward();
        std::map<std::string, at::Tensor> gradients;
        for (const std::string& name : trained) gradients[name] = model.params[name].grad().clone();
        return std::pair{loss.item<double>(), gradients};
      };
      const auto [loss, gradients] = run(false);
      const auto [again, recomputed] = run(true);
      EXPECT_EQ(loss, again);
      double largest = 0;
      for (const std::string& name : trained) {
        EXPECT_TRUE(at::equal(gradients.at(name), recomputed.at(name))) << name;
        largest = std::max(largest, gradients.at(name).abs().max().item<double>());
      }
      EXPECT_GT(largest, 1e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, GradientCheckpointingInvariant, ::testing::Values("tiny", "tiny_qwen3vl"),
                         [](const auto& i) { return std::string(i.param); });

TEST(GradientCheckpointing, KeepsOnlyTheInput) {
  at::Tensor w = at::full({2}, 3.0).set_requires_grad(true), x = at::ones({2}).set_requires_grad(true);
  int runs = 0;
  const at::Tensor y = checkpointed(x * 2, [&](const at::Tensor& in) {
    ++runs;
    EXPECT_EQ(at::GradMode::is_enabled(), runs == 2) << "the first pass keeps nothing";
    return in * w;
  });
  EXPECT_EQ(runs, 1);
  y.sum().backward();
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(at::equal(x.grad(), at::full({2}, 6.0)));
  EXPECT_TRUE(at::equal(w.grad(), at::full({2}, 2.0)));
}

}  // namespace
}  // namespace beholder::vlm
