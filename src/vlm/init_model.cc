// Fresh weights for training from scratch, started where learning to see from little data is quick.
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "core/rng.h"
#include "vlm/gemm.h"
#include "vlm/model.h"

namespace beholder::vlm {
namespace {

// Brightness is most of a patch's energy, so random filters answer to little else, and after the first norm colour and texture
// are too faint to be learned soon. One half of the filters begins blind to brightness (their colour planes sum to zero), the
// other blind to each plane's mean (texture only), both stronger.
void tune_patch_filters(at::Tensor& weight) {
  constexpr double kGain = 4;
  const std::int64_t half = weight.size(0) / 2;
  at::Tensor colour = weight.narrow(0, 0, half), texture = weight.narrow(0, half, weight.size(0) - half).flatten(2);
  colour.sub_(colour.mean(1, true)).mul_(kGain);
  texture.sub_(texture.mean(2, true)).mul_(kGain);
}

// Heads of random weights attend everywhere at once. Shapes are put together from neighbouring patches, and "left of" from what
// lies far to one side, so each head begins by looking one way: in windowed blocks at a diagonal neighbour, in blocks of full
// attention up, down, left or right, kFar patches away and broadly. Its biases make the logit kPeak * sum over axes and the chosen
// frequencies w of cos(w (offset - direction)), and its content matrices start at half size.
void look_around(Model& model) {
  constexpr double kPeak = 4, kNear = 0.8, kFar = 4, kContent = 0.5;  // kNear, kFar: patches
  const hf::VisionConfig& v = model.config.vision;
  const std::int64_t d = v.hidden_size / v.num_heads, axis_size = d / 4;
  const double root = std::sqrt(kPeak * std::sqrt(static_cast<double>(d)));
  for (std::int64_t block = 0; block < v.depth; ++block) {
    const bool far = std::count(v.fullatt_block_indexes.begin(), v.fullatt_block_indexes.end(), block) > 0;
    const std::string name = format("visual.blocks.{}.attn.qkv.", block);
    model.params[name + "weight"].narrow(0, 0, 2 * v.hidden_size).mul_(kContent);
    const at::Tensor biases = model.params[name + "bias"].view({3, v.num_heads, d});
    auto bias = biases.accessor<float, 3>();
    for (std::int64_t head = 0; head < v.num_heads; ++head)
      for (std::int64_t axis = 0; axis < 2; ++axis) {
        const double near_direction = (head >> axis & 1) ? kNear : -kNear;
        const double far_direction = (head >> 1 & 1) != axis ? 0 : (head & 1) ? kFar : -kFar;
        // The highest frequency turns over within a few patches: for neighbours alone.
        for (std::int64_t i = far ? 1 : 0; i < std::min<std::int64_t>(2, axis_size); ++i) {
          const double frequency = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(axis_size));
          const double turn = frequency * (far ? far_direction : near_direction);
          const std::int64_t pair = axis * axis_size + i;
          bias[1][head][pair] = static_cast<float>(root);
          bias[0][head][pair] = static_cast<float>(root * std::cos(turn));
          bias[0][head][pair + d / 2] = static_cast<float>(root * std::sin(turn));
        }
      }
  }
}

}  // namespace

Model init_model(const hf::ModelConfig& config, std::uint64_t seed) {
  use_faster_gemm();
  Model model;
  model.config = config;
  for (const ParamSpec& spec : param_specs(config)) {
    at::Tensor value = at::empty(spec.shape, at::kFloat);
    const bool matrix = spec.shape.size() > 1;
    if (!matrix) {
      value.fill_(spec.name.ends_with(".weight") ? 1.0 : 0.0);
    } else {
      double fan_in = 1;
      for (std::size_t i = 1; i < spec.shape.size(); ++i) fan_in *= static_cast<double>(spec.shape[i]);
      const double std =
          spec.name.find("embed_tokens") != std::string::npos || spec.name == "lm_head.weight" ? 0.02 : 1 / std::sqrt(fan_in);
      Rng rng(seed, stable_hash(spec.name));
      float* data = value.data_ptr<float>();
      for (std::int64_t i = 0; i < value.numel(); ++i) data[i] = static_cast<float>(std * rng.normal());
    }
    if (spec.name == "visual.patch_embed.proj.weight") tune_patch_filters(value);
    model.params.set(spec.name, std::move(value));
  }
  look_around(model);
  return model;
}

}  // namespace beholder::vlm
