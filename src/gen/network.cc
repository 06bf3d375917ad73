#include "gen/network.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"
#include "vlm/fused.h"

namespace beholder::gen {
namespace {

constexpr double kEps = 1e-6;

at::Tensor weight(const Model& model, const std::string& name) {
  const at::Tensor& value = model.params[name];
  return value.scalar_type() == model.dtype ? value : value.to(model.dtype);
}

at::Tensor linear(const Model& model, const at::Tensor& x, const std::string& name) {
  return at::linear(x, weight(model, name + ".weight"), weight(model, name + ".bias"));
}

at::Tensor mlp(const Model& model, const at::Tensor& x, const std::string& name) {
  return linear(model, at::gelu(linear(model, x, name + ".fc1"), "tanh"), name + ".fc2");
}

// One group of heads, [B,H,T,d].
struct Heads {
  at::Tensor q, k, v;
};

// x [B,T,width] -> normed queries and keys, and values.
Heads split_heads(const Model& model, const at::Tensor& x, const std::string& name, std::int64_t heads) {
  const std::int64_t d = x.size(2) / heads;
  const at::Tensor qkv = linear(model, x, name + ".qkv").view({x.size(0), x.size(1), 3, heads, d});
  const auto normed = [&](std::int64_t which, const char* norm) {
    return vlm::rms_normalise(qkv.select(2, which), weight(model, name + norm), kEps).transpose(1, 2);
  };
  return {normed(0, ".q_norm.weight"), normed(1, ".k_norm.weight"), qkv.select(2, 2).transpose(1, 2)};
}

// mask [B,1,1,T of the keys], bool.
at::Tensor attend(const Model& model, const Heads& h, const at::Tensor& mask, const std::string& name) {
  const at::Tensor mixed = at::scaled_dot_product_attention(h.q, h.k, h.v, mask);
  return linear(model, mixed.transpose(1, 2).flatten(2), name + ".proj");
}

at::Tensor modulated(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale) {
  return at::addcmul(shift, at::layer_norm(x, {x.size(-1)}, {}, {}, kEps), scale + 1);
}

// [B] -> [B, kTimeFeatures]
at::Tensor time_features(const at::Tensor& t_B) {
  constexpr std::int64_t kHalf = kTimeFeatures / 2;
  const at::Tensor frequency = torch::exp(torch::arange(kHalf, t_B.options()) * (-std::log(10000.0) / kHalf));
  const at::Tensor angle = 1000 * t_B.unsqueeze(1) * frequency;
  return torch::cat({angle.cos(), angle.sin()}, 1);
}

at::Tensor block(const Model& model, std::int64_t i, at::Tensor x_BND, const at::Tensor& shared_B6D, const PromptFeatures& prompt,
                 const at::Tensor& mask) {
  const GeneratorConfig& c = model.config;
  const std::string name = format("blocks.{}", i);
  const std::vector<at::Tensor> m = (shared_B6D + weight(model, name + ".modulation")).unsqueeze(2).unbind(1);
  Heads heads = split_heads(model, modulated(x_BND, m[0], m[1]), name + ".attn", c.num_attention_heads);
  const at::Tensor kv = linear(model, prompt.tokens_BLE, name + ".attn.text_kv")
                            .view({x_BND.size(0), -1, 2, c.num_attention_heads, c.hidden_size / c.num_attention_heads});
  const at::Tensor text_k = vlm::rms_normalise(kv.select(2, 0), weight(model, name + ".attn.k_norm.weight"), kEps);
  heads.k = torch::cat({heads.k, text_k.transpose(1, 2)}, 2);
  heads.v = torch::cat({heads.v, kv.select(2, 1).transpose(1, 2)}, 2);
  x_BND = x_BND + m[2] * attend(model, heads, mask, name + ".attn");
  return x_BND + m[5] * mlp(model, modulated(x_BND, m[3], m[4]), name + ".mlp");
}

// [B,C,F,S,S], every frame by itself.
at::Tensor convolve(const Model& model, const at::Tensor& x, const std::string& name) {
  const at::Tensor frames = x.transpose(1, 2).flatten(0, 1);
  const at::Tensor y = at::conv2d(frames, weight(model, name + ".weight"), weight(model, name + ".bias"), 1, 1);
  return y.view({x.size(0), x.size(2), y.size(1), x.size(3), x.size(4)}).transpose(1, 2);
}

at::Tensor position_table(const Model& model) {
  const at::Tensor t = weight(model, "positions.t"), y = weight(model, "positions.y"), x = weight(model, "positions.x");
  return (t.unsqueeze(1).unsqueeze(1) + y.unsqueeze(1) + x).flatten(0, 2);  // [N, D]: time, row, column
}

}  // namespace

at::Tensor to_patches(const GeneratorConfig& c, const at::Tensor& x) {
  const std::int64_t side = c.patches_per_side(), time = c.patches_in_time(), p = c.patch_size, tp = c.temporal_patch;
  return x.reshape({-1, 3, time, tp, side, p, side, p}).permute({0, 2, 4, 6, 1, 3, 5, 7}).reshape({-1, c.patches(), c.patch_values()});
}

at::Tensor from_patches(const GeneratorConfig& c, const at::Tensor& patches) {
  const std::int64_t channels = patches.size(2) * 3 / c.patch_values();
  const std::int64_t side = c.patches_per_side(), time = c.patches_in_time(), p = c.patch_size, tp = c.temporal_patch;
  return patches.reshape({-1, time, side, side, channels, tp, p, p})
      .permute({0, 4, 1, 5, 2, 6, 3, 7})
      .reshape({-1, channels, c.num_frames, c.image_size, c.image_size});
}

PromptFeatures encode_prompts(const Model& model, const PromptTokens& prompts) {
  const TextConfig& c = model.config.text;
  require_internal(prompts.ids_BL.size(1) == c.max_length, "prompts are filled up to max_length");
  const at::Tensor mask = prompts.mask_BL.unsqueeze(1).unsqueeze(1);
  at::Tensor x = torch::embedding(weight(model, "text.embed_tokens.weight"), prompts.ids_BL) + weight(model, "text.positions.weight");
  const auto norm = [&](const std::string& name) { return vlm::rms_normalise(x, weight(model, name + ".weight"), kEps); };
  for (std::int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const std::string name = format("text.blocks.{}", i);
    x = x + attend(model, split_heads(model, norm(name + ".norm1"), name + ".attn", c.num_attention_heads), mask, name + ".attn");
    x = x + mlp(model, norm(name + ".norm2"), name + ".mlp");
  }
  x = norm("text.norm");
  const at::Tensor own = prompts.mask_BL.unsqueeze(2).to(x.scalar_type());
  return {x, (x * own).sum(1) / own.sum(1), prompts.mask_BL};
}

at::Tensor predict_clean(const Model& model, const at::Tensor& x_BCFSS, const at::Tensor& t_B, const PromptFeatures& prompt) {
  const GeneratorConfig& c = model.config;
  const std::int64_t batch = x_BCFSS.size(0);
  require_internal(x_BCFSS.sizes() == at::IntArrayRef({batch, 3, c.num_frames, c.image_size, c.image_size}),
                   "a picture of the model's size");
  const at::Tensor noisy = x_BCFSS.to(model.dtype);
  const at::Tensor times = time_features(t_B).to(model.dtype);
  const at::Tensor condition =
      at::silu(linear(model, at::silu(linear(model, times, "time.fc1")), "time.fc2") + linear(model, prompt.pooled_BE, "prompt"));
  const at::Tensor shared = linear(model, condition, "modulation").view({batch, kModulations, c.hidden_size});
  const at::Tensor all = torch::ones({batch, c.patches()}, prompt.mask_BL.options());
  const at::Tensor mask = torch::cat({all, prompt.mask_BL}, 1).unsqueeze(1).unsqueeze(1);
  at::Tensor x = linear(model, to_patches(c, noisy), "patch_embed") + position_table(model);
  for (std::int64_t i = 0; i < c.num_hidden_layers; ++i) x = block(model, i, x, shared, prompt, mask);
  const std::vector<at::Tensor> last = linear(model, condition, "final.modulation").unsqueeze(1).chunk(2, 2);
  const at::Tensor told = from_patches(c, linear(model, modulated(x, last[0], last[1]), "final.proj"));
  const at::Tensor drawn = at::gelu(convolve(model, torch::cat({told, noisy}, 1), "pixels.conv1"), "tanh");
  return convolve(model, drawn, "pixels.conv2").to(x_BCFSS.scalar_type());
}

}  // namespace beholder::gen
