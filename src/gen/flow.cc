#include "gen/flow.h"

#include <torch/types.h>

#include <cmath>

namespace beholder::gen {
namespace {

at::Tensor per_sample(const at::Tensor& t_B) {
  return t_B.view({-1, 1, 1, 1, 1});
}

}  // namespace

at::Tensor mix(const at::Tensor& clean, const at::Tensor& noise, const at::Tensor& t_B) {
  return torch::lerp(clean, noise, per_sample(t_B));
}

at::Tensor velocity(const at::Tensor& x_t, const at::Tensor& clean, const at::Tensor& t_B) {
  return (x_t - clean) / per_sample(t_B.clamp_min(kMinTime));
}

double draw_time(Rng& rng, const TimeOptions& options) {
  return 1 / (1 + std::exp(-(options.mean + options.std * rng.normal())));
}

at::Tensor draw_noise(Rng& rng, const GeneratorConfig& c) {
  at::Tensor noise = torch::empty({3, c.num_frames, c.image_size, c.image_size}, at::kFloat);
  float* values = noise.data_ptr<float>();
  for (std::int64_t i = 0; i < noise.numel(); ++i) values[i] = static_cast<float>(rng.normal());
  return noise;
}

at::Tensor velocity_errors(const Model& model, const at::Tensor& clean, const at::Tensor& noise, const at::Tensor& t_B,
                           const PromptTokens& prompts) {
  const at::Tensor x_t = mix(clean, noise, t_B);
  const at::Tensor expected = predict_clean(model, x_t, t_B, encode_prompts(model, prompts));
  return (velocity(x_t, expected, t_B) - velocity(x_t, clean, t_B)).square().mean({1, 2, 3, 4});
}

}  // namespace beholder::gen
