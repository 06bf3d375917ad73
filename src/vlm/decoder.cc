#include "vlm/decoder.h"

#include <torch/types.h>

#include <cmath>
#include <memory>

#include "core/format.h"
#include "vlm/attention.h"
#include "vlm/checkpoint.h"

namespace beholder::vlm {
namespace {

at::Tensor layer(const Model& model, std::int64_t index, at::Tensor x, const Rotary& rotary, const Attend& attend) {
  const hf::TextConfig& t = model.config.text;
  const std::string name = format("model.layers.{}.", index);
  const at::Tensor normed = rms_norm(model, x, name + "input_layernorm", t.rms_norm_eps);
  const auto qkv = linears(model, normed, {name + "self_attn.q_proj", name + "self_attn.k_proj", name + "self_attn.v_proj"});
  const at::Tensor q = qkv[0].view({-1, t.num_heads, t.head_dim});
  const at::Tensor k = qkv[1].view({-1, t.num_kv_heads, t.head_dim}), v = qkv[2].view({-1, t.num_kv_heads, t.head_dim});
  const at::Tensor mixed = attend(index, rotate(q, rotary), rotate(k, rotary), v);
  x = x + linear(model, mixed, name + "self_attn.o_proj");
  return x + gated_mlp(model, rms_norm(model, x, name + "post_attention_layernorm", t.rms_norm_eps), name + "mlp");
}

}  // namespace

Rotary text_rotary(const Model& model, const at::Tensor& positions_3T) {
  const hf::TextConfig& t = model.config.text;
  const std::int64_t half = t.head_dim / 2;
  std::vector<float> inverse_frequency;
  std::vector<std::int64_t> axis;  // which of time, height, width turns pair i
  for (int a = 0; a < 3; ++a) axis.insert(axis.end(), static_cast<std::size_t>(t.mrope_section[static_cast<std::size_t>(a)]), a);
  for (std::int64_t i = 0; i < half; ++i)
    inverse_frequency.push_back(
        static_cast<float>(1.0 / std::pow(t.rope_theta, static_cast<double>(2 * i) / static_cast<double>(t.head_dim))));
  const at::Tensor positions =
      positions_3T.to(model.device, at::kFloat).index_select(0, at::tensor(axis, at::kLong).to(model.device));  // [d/2, T]
  const at::Tensor angles = positions.t() * at::tensor(inverse_frequency).to(model.device);
  return make_rotary(angles, model.dtype);
}

at::Tensor embed(const Model& model, const Packed& packed, const Tap& tap) {
  at::Tensor x = at::embedding(weight(model, "model.embed_tokens.weight"), packed.ids_T.to(model.device));
  if (!packed.images.empty()) x = x.index_copy(0, packed.image_rows.to(model.device), vision_forward(model, packed.images, tap));
  if (!packed.videos.empty()) x = x.index_copy(0, packed.video_rows.to(model.device), vision_forward(model, packed.videos, tap));
  return x;
}

at::Tensor run_layers(const Model& model, at::Tensor x_TD, const Rotary& rotary, const Attend& attend, const Tap& tap) {
  for (std::int64_t i = 0; i < model.config.text.num_layers; ++i) {
    if (tap) tap(format("hidden_{}", i), x_TD);
    if (model.gradient_checkpointing && at::GradMode::is_enabled())
      x_TD = checkpointed(x_TD, [&model, i, rotary, attend](const at::Tensor& x) { return layer(model, i, x, rotary, attend); });
    else
      x_TD = layer(model, i, x_TD, rotary, attend);
  }
  x_TD = rms_norm(model, x_TD, "model.norm", model.config.text.rms_norm_eps);
  if (tap) tap(format("hidden_{}", model.config.text.num_layers), x_TD);
  return x_TD;
}

at::Tensor forward(const Model& model, const Packed& packed, const Tap& tap) {
  const auto plan = std::make_shared<const AttentionPlan>(plan_tree(packed.spans, model.device));
  const Attend attend_tree = [plan](std::int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return attend(q, k, v, *plan);
  };
  return run_layers(model, embed(model, packed, tap), text_rotary(model, packed.positions_3T), attend_tree, tap);
}

}  // namespace beholder::vlm
