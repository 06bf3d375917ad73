#include "hf/vision_config.h"

#include <cmath>

#include "core/error.h"
#include "core/format.h"

namespace beholder::hf {
namespace {

void parse_window(const ConfigReader& r, VisionConfig& v) {
  v.window_size = r.integer_or("window_size", 112, 1, 1 << 16);
  r.require(v.window_size / v.patch_size / v.spatial_merge_size >= 1, "\"window_size\" is smaller than one merged patch");
  v.tokens_per_second = r.real_or("tokens_per_second", 4, 1e-6, 1e6);
  const Json& blocks = r.at("fullatt_block_indexes");
  r.require(blocks.is_array(), "\"fullatt_block_indexes\" is not a list");
  for (const Json& block : blocks) {
    r.require(is_integer_in(block, 0, v.depth - 1),
              format("\"fullatt_block_indexes\" holds {}, the tower has {} blocks", json_line(block).substr(0, 40), v.depth));
    v.fullatt_block_indexes.push_back(block.get<std::int64_t>());
  }
}

void parse_deepstack(const ConfigReader& r, VisionConfig& v) {
  const Json& blocks = r.at("deepstack_visual_indexes");
  r.require(blocks.is_array(), "\"deepstack_visual_indexes\" is not a list");
  for (const Json& block : blocks) {
    r.require(is_integer_in(block, 0, v.depth - 1),
              format("\"deepstack_visual_indexes\" holds {}, the tower has {} blocks", json_line(block).substr(0, 40), v.depth));
    r.require(v.deepstack_visual_indexes.empty() || v.deepstack_visual_indexes.back() < block.get<std::int64_t>(),
              "\"deepstack_visual_indexes\" is not ascending");
    v.deepstack_visual_indexes.push_back(block.get<std::int64_t>());
  }
}

// Learned positions form a square table that is interpolated to the grid of a picture.
void parse_positions(const ConfigReader& r, VisionConfig& v) {
  v.num_position_embeddings = r.integer("num_position_embeddings", 1, 1 << 24);
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(v.num_position_embeddings))));
  r.require(side * side == v.num_position_embeddings,
            format("\"num_position_embeddings\" is {}, which is not a square", v.num_position_embeddings));
}

const char* tower_activation(Family family) {
  switch (family) {
    case Family::kQwen2VL:
      return "quick_gelu";
    case Family::kQwen25VL:
      return "silu";
    case Family::kQwen3VL:
      return "gelu_pytorch_tanh";
  }
  return "";
}

// Qwen2-VL calls the tower's width embed_dim and gives its output width as hidden_size; the later ones have hidden_size and
// out_hidden_size.
void parse_widths(const ConfigReader& r, Family family, VisionConfig& v) {
  if (family == Family::kQwen2VL) {
    v.hidden_size = r.integer("embed_dim", 1, 1 << 17);
    v.out_hidden_size = r.integer("hidden_size", 1, 1 << 17);
    const double ratio = r.real_or("mlp_ratio", 4, 1e-3, 1024);
    v.intermediate_size = static_cast<std::int64_t>(static_cast<double>(v.hidden_size) * ratio);
    r.require(v.intermediate_size > 0, "\"mlp_ratio\" leaves no hidden units");
  } else {
    v.hidden_size = r.integer("hidden_size", 1, 1 << 17);
    v.out_hidden_size = r.integer("out_hidden_size", 1, 1 << 17);
    v.intermediate_size = r.integer("intermediate_size", 1, 1 << 20);
  }
}

}  // namespace

VisionConfig parse_vision_config(const ConfigReader& r, Family family) {
  VisionConfig v;
  v.depth = r.integer("depth", 1, 4096);
  v.num_heads = r.integer("num_heads", 1, 4096);
  v.in_channels = r.integer_or("in_channels", r.integer_or("in_chans", 3, 1, 64), 1, 64);
  if (v.in_channels != 3) r.unsupported(format("{} image channels are not supported", v.in_channels), "supported: 3");
  v.patch_size = r.integer_or("patch_size", family == Family::kQwen3VL ? 16 : 14, 1, 1024);
  v.temporal_patch_size = r.integer_or("temporal_patch_size", 2, 1, 64);
  v.spatial_merge_size = r.integer_or("spatial_merge_size", 2, 1, 64);
  parse_widths(r, family, v);
  if (r.has("rope_parameters") &&
      ConfigReader(r.at("rope_parameters"), r.where() + ": rope_parameters").real_or("rope_theta", 1e4, 0, 1e12) != 1e4)
    r.unsupported("the vision tower's \"rope_theta\" is not 10000");
  if (family == Family::kQwen25VL) parse_window(r, v);
  if (family == Family::kQwen3VL) {
    parse_deepstack(r, v);
    parse_positions(r, v);
    v.frame_timestamps = true;
  }
  v.hidden_act = r.get<std::string>("hidden_act", tower_activation(family));
  if (v.hidden_act != tower_activation(family))
    r.unsupported(format("the vision tower's hidden_act \"{}\" is not supported", v.hidden_act));
  r.require(v.hidden_size % v.num_heads == 0, "the tower's width is not a multiple of \"num_heads\"");
  r.require(v.hidden_size / v.num_heads % 4 == 0, "the tower's head size is not a multiple of 4, as its 2-D positions need");
  return v;
}

}  // namespace beholder::hf
