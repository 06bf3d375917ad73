#include "vlm/decoder.h"

#include <torch/types.h>

#include <cmath>
#include <memory>

#include "core/format.h"
#include "core/profile.h"
#include "vlm/attention.h"
#include "vlm/checkpoint.h"
#include "vlm/transfer.h"

namespace beholder::vlm {
namespace {

at::Tensor layer(const Model& model, std::int64_t index, at::Tensor x, const Rotary& rotary, const Attend& attend) {
  const hf::TextConfig& t = model.config.text;
  const std::string name = format("model.layers.{}.", index);
  const at::Tensor normed = rms_norm(model, x, name + "input_layernorm", t.rms_norm_eps);
  const auto qkv = linears(model, normed, {name + "self_attn.q_proj", name + "self_attn.k_proj", name + "self_attn.v_proj"});
  at::Tensor q = qkv[0].view({-1, t.num_heads, t.head_dim}), k = qkv[1].view({-1, t.num_kv_heads, t.head_dim});
  if (t.qk_norm) {
    q = rms_norm(model, q, name + "self_attn.q_norm", t.rms_norm_eps);
    k = rms_norm(model, k, name + "self_attn.k_norm", t.rms_norm_eps);
  }
  const at::Tensor v = qkv[2].view({-1, t.num_kv_heads, t.head_dim});
  const at::Tensor mixed = attend(index, rotate(q, rotary), rotate(k, rotary), v);
  x = x + linear(model, mixed, name + "self_attn.o_proj");
  return x + gated_mlp(model, rms_norm(model, x, name + "post_attention_layernorm", t.rms_norm_eps), name + "mlp");
}

// Which of time, height and width turns each pair of a head's channels. Interleaved: t h w t h w …, until height's and width's shares are
// used up, the rest time; else one stretch per axis.
std::vector<std::int64_t> axis_of_pairs(const hf::TextConfig& t) {
  std::vector<std::int64_t> axes;
  if (!t.mrope_interleaved) {
    for (std::size_t a = 0; a < 3; ++a) axes.insert(axes.end(), static_cast<std::size_t>(t.mrope_section[a]), static_cast<std::int64_t>(a));
    return axes;
  }
  for (std::int64_t i = 0; i < t.head_dim / 2; ++i) axes.push_back(i < 3 * t.mrope_section[static_cast<std::size_t>(i % 3)] ? i % 3 : 0);
  return axes;
}

}  // namespace

Rotary text_rotary(const Model& model, const at::Tensor& positions_3T) {
  const hf::TextConfig& t = model.config.text;
  const std::int64_t half = t.head_dim / 2;
  std::vector<float> inverse_frequency;
  for (std::int64_t i = 0; i < half; ++i)
    inverse_frequency.push_back(
        static_cast<float>(1.0 / std::pow(t.rope_theta, static_cast<double>(2 * i) / static_cast<double>(t.head_dim))));
  const at::Tensor positions = positions_3T.to(at::kFloat).index_select(0, at::tensor(axis_of_pairs(t), at::kLong));  // [d/2, T]
  return make_rotary(to_device(positions.t() * at::tensor(inverse_frequency), model.device, at::kFloat), model.dtype);
}

Embedded embed(const Model& model, const Packed& packed, const Tap& tap, VisionCache* cache) {
  Embedded out{at::embedding(weight(model, "model.embed_tokens.weight"), to_device(packed.ids_T, model.device, at::kLong))};
  const auto place = [&](const std::vector<Media>& media, const at::Tensor& media_rows) {
    if (media.empty()) return;
    const at::Tensor rows = to_device(media_rows, model.device, at::kLong);
    const ProfileSpan span("vision tower");
    const VisionFeatures features = cache ? cache->features(model, media) : vision_forward(model, media, tap);
    out.x_TD = out.x_TD.index_copy(0, rows, features.merged);
    if (features.deepstack.empty()) return;
    const bool first = out.deepstack.empty();
    out.media_rows = first ? rows : at::cat({out.media_rows, rows});
    for (std::size_t i = 0; i < features.deepstack.size(); ++i)
      if (first)
        out.deepstack.push_back(features.deepstack[i]);
      else
        out.deepstack[i] = at::cat({out.deepstack[i], features.deepstack[i]});
  };
  place(packed.images, packed.image_rows);
  place(packed.videos, packed.video_rows);
  return out;
}

at::Tensor run_layers(const Model& model, const Embedded& input, const Rotary& rotary, const Attend& attend, const Tap& tap) {
  at::Tensor x_TD = input.x_TD;
  for (std::int64_t i = 0; i < model.config.text.num_layers; ++i) {
    if (tap) tap(format("hidden_{}", i), x_TD);
    if (model.gradient_checkpointing && at::GradMode::is_enabled())
      x_TD = checkpointed(x_TD, [&model, i, rotary, attend](const at::Tensor& x) { return layer(model, i, x, rotary, attend); });
    else
      x_TD = layer(model, i, x_TD, rotary, attend);
    if (i < std::ssize(input.deepstack)) x_TD = x_TD.index_add(0, input.media_rows, input.deepstack[static_cast<std::size_t>(i)]);
  }
  x_TD = rms_norm(model, x_TD, "model.norm", model.config.text.rms_norm_eps);
  if (tap) tap(format("hidden_{}", model.config.text.num_layers), x_TD);
  return x_TD;
}

at::Tensor forward(const Model& model, const Packed& packed, const Tap& tap) {
  const ProfileSpan span("forward");
  const auto plan = std::make_shared<const AttentionPlan>(plan_tree(packed.spans, model.device));
  const Attend attend_tree = [plan](std::int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return attend(q, k, v, *plan);
  };
  return run_layers(model, embed(model, packed, tap), text_rotary(model, packed.positions_3T), attend_tree, tap);
}

}  // namespace beholder::vlm
