// Every tensor of a checkpoint, by name and shape: what the families publish, as data.
#include "core/error.h"
#include "core/format.h"
#include "vlm/model.h"
#include "vlm/tower_layout.h"

namespace beholder::vlm {
namespace {

void add(std::vector<ParamSpec>& specs, std::string name, std::vector<std::int64_t> shape) {
  specs.push_back({std::move(name), std::move(shape)});
}

void add_linear(std::vector<ParamSpec>& specs, const std::string& name, std::int64_t in, std::int64_t out, bool bias) {
  add(specs, name + ".weight", {out, in});
  if (bias) add(specs, name + ".bias", {out});
}

void add_norm(std::vector<ParamSpec>& specs, const std::string& name, std::int64_t size, bool layer_norm) {
  add(specs, name + ".weight", {size});
  if (layer_norm) add(specs, name + ".bias", {size});
}

void add_vision_block(std::vector<ParamSpec>& specs, const std::string& block, const hf::VisionConfig& v, const TowerLayout& layout) {
  add_norm(specs, block + "norm1", v.hidden_size, layout.layer_norm);
  add_norm(specs, block + "norm2", v.hidden_size, layout.layer_norm);
  add_linear(specs, block + "attn.qkv", v.hidden_size, 3 * v.hidden_size, true);
  add_linear(specs, block + "attn.proj", v.hidden_size, v.hidden_size, true);
  if (layout.gated_mlp) {
    add_linear(specs, block + "mlp.gate_proj", v.hidden_size, v.intermediate_size, true);
    add_linear(specs, block + "mlp.up_proj", v.hidden_size, v.intermediate_size, true);
    add_linear(specs, block + "mlp.down_proj", v.intermediate_size, v.hidden_size, true);
  } else {
    add_linear(specs, block + "mlp." + layout.fc1, v.hidden_size, v.intermediate_size, true);
    add_linear(specs, block + "mlp." + layout.fc2, v.intermediate_size, v.hidden_size, true);
  }
}

std::int64_t merged_width(const hf::VisionConfig& v) {
  return v.hidden_size * v.spatial_merge_size * v.spatial_merge_size;
}

void add_merger(std::vector<ParamSpec>& specs, const std::string& merger, std::int64_t norm_size, const hf::ModelConfig& config,
                const TowerLayout& layout) {
  const std::int64_t merged = merged_width(config.vision);
  add_norm(specs, merger + layout.merger_norm, norm_size, layout.layer_norm);
  add_linear(specs, merger + layout.merger_fc1, merged, merged, true);
  add_linear(specs, merger + layout.merger_fc2, merged, config.text.hidden_size, true);
}

void add_vision(std::vector<ParamSpec>& specs, const hf::ModelConfig& config) {
  const hf::VisionConfig& v = config.vision;
  const TowerLayout& layout = tower_layout(config.family);
  add(specs, "visual.patch_embed.proj.weight", {v.hidden_size, v.in_channels, v.temporal_patch_size, v.patch_size, v.patch_size});
  if (layout.patch_bias) add(specs, "visual.patch_embed.proj.bias", {v.hidden_size});
  if (v.num_position_embeddings > 0) add(specs, "visual.pos_embed.weight", {v.num_position_embeddings, v.hidden_size});
  for (std::int64_t i = 0; i < v.depth; ++i) add_vision_block(specs, format("visual.blocks.{}.", i), v, layout);
  add_merger(specs, "visual.merger.", v.hidden_size, config, layout);
  for (std::size_t i = 0; i < v.deepstack_visual_indexes.size(); ++i)  // these normalise the merged rows
    add_merger(specs, format("visual.deepstack_merger_list.{}.", i), merged_width(v), config, layout);
}

void add_decoder(std::vector<ParamSpec>& specs, const hf::TextConfig& t) {
  add(specs, "model.embed_tokens.weight", {t.vocab_size, t.hidden_size});
  for (std::int64_t i = 0; i < t.num_layers; ++i) {
    const std::string layer = format("model.layers.{}.", i);
    add_norm(specs, layer + "input_layernorm", t.hidden_size, false);
    add_norm(specs, layer + "post_attention_layernorm", t.hidden_size, false);
    add_linear(specs, layer + "self_attn.q_proj", t.hidden_size, t.num_heads * t.head_dim, t.qkv_bias);
    add_linear(specs, layer + "self_attn.k_proj", t.hidden_size, t.num_kv_heads * t.head_dim, t.qkv_bias);
    add_linear(specs, layer + "self_attn.v_proj", t.hidden_size, t.num_kv_heads * t.head_dim, t.qkv_bias);
    if (t.qk_norm) add_norm(specs, layer + "self_attn.q_norm", t.head_dim, false);
    if (t.qk_norm) add_norm(specs, layer + "self_attn.k_norm", t.head_dim, false);
    add_linear(specs, layer + "self_attn.o_proj", t.num_heads * t.head_dim, t.hidden_size, false);
    add_linear(specs, layer + "mlp.gate_proj", t.hidden_size, t.intermediate_size, false);
    add_linear(specs, layer + "mlp.up_proj", t.hidden_size, t.intermediate_size, false);
    add_linear(specs, layer + "mlp.down_proj", t.intermediate_size, t.hidden_size, false);
  }
  add_norm(specs, "model.norm", t.hidden_size, false);
  if (!t.tie_word_embeddings) add(specs, "lm_head.weight", {t.vocab_size, t.hidden_size});
}

}  // namespace

const TowerLayout& tower_layout(hf::Family family) {
  static const TowerLayout kQwen2{.layer_norm = true,
                                  .gated_mlp = false,
                                  .patch_bias = false,
                                  .windowed = false,
                                  .fc1 = "fc1",
                                  .fc2 = "fc2",
                                  .merger_norm = "ln_q",
                                  .merger_fc1 = "mlp.0",
                                  .merger_fc2 = "mlp.2"};
  static const TowerLayout kQwen25{.layer_norm = false,
                                   .gated_mlp = true,
                                   .patch_bias = false,
                                   .windowed = true,
                                   .fc1 = nullptr,
                                   .fc2 = nullptr,
                                   .merger_norm = "ln_q",
                                   .merger_fc1 = "mlp.0",
                                   .merger_fc2 = "mlp.2"};
  static const TowerLayout kQwen3{.layer_norm = true,
                                  .gated_mlp = false,
                                  .patch_bias = true,
                                  .windowed = false,
                                  .fc1 = "linear_fc1",
                                  .fc2 = "linear_fc2",
                                  .merger_norm = "norm",
                                  .merger_fc1 = "linear_fc1",
                                  .merger_fc2 = "linear_fc2"};
  return family == hf::Family::kQwen2VL ? kQwen2 : family == hf::Family::kQwen25VL ? kQwen25 : kQwen3;
}

std::string published_name(std::string_view name) {
  for (const auto& [newer, published] : {std::pair{"model.language_model.", "model."},
                                         {"language_model.model.", "model."},
                                         {"model.visual.", "visual."},
                                         {"language_model.lm_head.", "lm_head."}})
    if (name.starts_with(newer)) return published + std::string(name.substr(std::string_view(newer).size()));
  return std::string(name);
}

std::string transformers_name(std::string_view name) {
  if (name.starts_with("model.")) return "model.language_model." + std::string(name.substr(6));
  return name.starts_with("visual.") ? "model." + std::string(name) : std::string(name);
}

std::string stored_name(hf::Family family, std::string_view name) {
  return family == hf::Family::kQwen3VL ? transformers_name(name) : std::string(name);
}

std::vector<ParamSpec> param_specs(const hf::ModelConfig& config) {
  std::vector<ParamSpec> specs;
  add_vision(specs, config);
  add_decoder(specs, config.text);
  return specs;
}

}  // namespace beholder::vlm
