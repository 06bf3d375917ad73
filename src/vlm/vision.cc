// The vision tower of Qwen2-VL, Qwen2.5-VL and Qwen3-VL. Letters: N patches, E tower width, d head size, M = N / merge^2 features,
// D decoder width.
#include <torch/types.h>

#include <cmath>
#include <numeric>

#include "core/format.h"
#include "vlm/attention.h"
#include "vlm/checkpoint.h"
#include "vlm/layers.h"
#include "vlm/learned_positions.h"
#include "vlm/tower_layout.h"
#include "vlm/transfer.h"

namespace beholder::vlm {
namespace {

constexpr double kNormEps = 1e-6;
constexpr double kRopeTheta = 10000.0;

// Everything about a batch of grids that the blocks need, in the order in which the tower computes its rows.
struct TowerPlan {
  at::Tensor angles;                    // [N, d/2] height then width angles
  AttentionPlan frames, windows;        // full attention stays within a frame
  at::Tensor unit_order, unit_inverse;  // merge units in window order and back; undefined without windows
};

// (row, column) of each patch of one frame: merge blocks row by row, and within a block row by row.
std::vector<std::pair<std::int64_t, std::int64_t>> patch_places(std::int64_t h, std::int64_t w, std::int64_t merge) {
  std::vector<std::pair<std::int64_t, std::int64_t>> places;
  for (std::int64_t by = 0; by < h; by += merge)
    for (std::int64_t bx = 0; bx < w; bx += merge)
      for (std::int64_t y = by; y < by + merge; ++y)
        for (std::int64_t x = bx; x < bx + merge; ++x) places.emplace_back(y, x);
  return places;
}

// Merge units of one frame cut into windows of `side` x `side` units (ragged at the edges): unit numbers and window sizes.
void add_windows(std::int64_t rows, std::int64_t columns, std::int64_t side, std::int64_t first_unit, std::vector<std::int64_t>& order,
                 std::vector<std::int64_t>& sizes) {
  for (std::int64_t top = 0; top < rows; top += side)
    for (std::int64_t left = 0; left < columns; left += side) {
      const std::int64_t bottom = std::min(top + side, rows), right = std::min(left + side, columns);
      for (std::int64_t y = top; y < bottom; ++y)
        for (std::int64_t x = left; x < right; ++x) order.push_back(first_unit + y * columns + x);
      sizes.push_back((bottom - top) * (right - left));
    }
}

at::Tensor to_tensor(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(values, at::kLong).to(device);
}

TowerPlan make_plan(const Model& model, std::span<const Media> media) {
  const hf::VisionConfig& v = model.config.vision;
  const std::int64_t merge = v.spatial_merge_size, unit = merge * merge, quarter = v.hidden_size / v.num_heads / 4;
  const bool windowed = tower_layout(model.config.family).windowed;
  std::vector<float> inverse_frequency;
  for (std::int64_t i = 0; i < quarter; ++i)
    inverse_frequency.push_back(
        static_cast<float>(1.0 / std::pow(kRopeTheta, static_cast<double>(2 * i) / static_cast<double>(2 * quarter))));
  std::vector<float> angles;
  std::vector<std::int64_t> frame_sizes, window_sizes, order;
  std::int64_t units = 0;
  for (const Media& m : media) {
    const auto places = patch_places(m.h, m.w, merge);
    for (std::int64_t t = 0; t < m.t; ++t) {
      for (const auto& [y, x] : places) {
        for (const float f : inverse_frequency) angles.push_back(static_cast<float>(y) * f);
        for (const float f : inverse_frequency) angles.push_back(static_cast<float>(x) * f);
      }
      frame_sizes.push_back(m.h * m.w);
      add_windows(m.h / merge, m.w / merge, std::max<std::int64_t>(1, v.window_size / merge / v.patch_size), units, order, window_sizes);
      units += m.h * m.w / unit;
    }
  }
  TowerPlan plan;
  plan.angles = at::tensor(angles).view({-1, 2 * quarter}).to(model.device);
  plan.frames = plan_blocks(frame_sizes, model.device);
  if (!windowed) return plan;
  for (std::int64_t& size : window_sizes) size *= unit;
  plan.windows = plan_blocks(window_sizes, model.device);
  plan.unit_order = to_tensor(order, model.device);
  plan.unit_inverse = plan.unit_order.argsort();
  plan.angles = plan.angles.view({units, -1}).index_select(0, plan.unit_order).view({-1, 2 * quarter});
  return plan;
}

at::Tensor block_mlp(const Model& model, const at::Tensor& x, const std::string& name) {
  const TowerLayout& layout = tower_layout(model.config.family);
  if (layout.gated_mlp) return gated_mlp(model, x, name);
  const at::Tensor hidden = linear(model, x, name + "." + layout.fc1);
  const bool quick = model.config.vision.hidden_act == "quick_gelu";
  return linear(model, quick ? hidden * at::sigmoid(1.702 * hidden) : at::gelu(hidden, "tanh"), name + "." + layout.fc2);
}

at::Tensor block(const Model& model, std::int64_t index, at::Tensor x, const Rotary& rotary, const AttentionPlan& plan) {
  const hf::VisionConfig& v = model.config.vision;
  const std::string name = format("visual.blocks.{}.", index);
  const at::Tensor qkv = linear(model, norm(model, x, name + "norm1", kNormEps), name + "attn.qkv");
  const auto parts = qkv.view({-1, 3, v.num_heads, v.hidden_size / v.num_heads}).unbind(1);
  const at::Tensor mixed = attend(rotate(parts[0], rotary), rotate(parts[1], rotary), parts[2], plan);
  x = x + linear(model, mixed, name + "attn.proj");
  return x + block_mlp(model, norm(model, x, name + "norm2", kNormEps), name + "mlp");
}

// The patches of each merge unit side by side, through an MLP: [N, E] -> [M, D]. `norm_merged`: the norm goes over the whole unit
// (deepstack's mergers) instead of each patch.
at::Tensor merge_patches(const Model& model, const at::Tensor& x, const std::string& name, bool norm_merged) {
  const std::int64_t width = x.size(1) * model.config.vision.spatial_merge_size * model.config.vision.spatial_merge_size;
  const TowerLayout& layout = tower_layout(model.config.family);
  const at::Tensor grouped = norm(model, norm_merged ? x.view({-1, width}) : x, name + layout.merger_norm, kNormEps).view({-1, width});
  return linear(model, at::gelu(linear(model, grouped, name + layout.merger_fc1)), name + layout.merger_fc2);
}

bool full_attention(const hf::ModelConfig& config, std::int64_t index) {
  if (!tower_layout(config.family).windowed) return true;
  const auto& full = config.vision.fullatt_block_indexes;
  return std::find(full.begin(), full.end(), index) != full.end();
}

// Learned positions of every patch, in the order of the rows: [N, E].
at::Tensor learned_positions(const Model& model, std::span<const Media> media) {
  const at::Tensor table = weight(model, "visual.pos_embed.weight");
  std::vector<at::Tensor> parts;
  for (const Media& m : media) {
    const auto places = patch_places(m.h, m.w, model.config.vision.spatial_merge_size);
    parts.push_back(interpolate_positions(table, m.h, m.w, places).repeat({m.t, 1}));
  }
  return at::cat(parts);
}

at::Tensor embed_patches(const Model& model, std::span<const Media> media) {
  std::vector<at::Tensor> patches;
  for (const Media& m : media) patches.push_back(m.patches);
  const at::Tensor x = to_device(patches.size() == 1 ? patches[0] : at::cat(patches), model.device, model.dtype);
  const at::Tensor filters = weight(model, "visual.patch_embed.proj.weight").view({model.config.vision.hidden_size, -1});
  const bool has_bias = tower_layout(model.config.family).patch_bias;
  const at::Tensor embedded = at::linear(x, filters, has_bias ? weight(model, "visual.patch_embed.proj.bias") : at::Tensor());
  return model.config.vision.num_position_embeddings > 0 ? embedded + learned_positions(model, media) : embedded;
}

}  // namespace

VisionFeatures vision_forward(const Model& model, std::span<const Media> media, const Tap& tap) {
  const hf::VisionConfig& v = model.config.vision;
  const std::int64_t unit = v.spatial_merge_size * v.spatial_merge_size;
  const std::string kind = media.front().video ? "video" : "image";
  const TowerPlan plan = make_plan(model, media);
  at::Tensor x = embed_patches(model, media);
  if (plan.unit_order.defined()) x = x.view({-1, unit * v.hidden_size}).index_select(0, plan.unit_order).view({-1, v.hidden_size});
  VisionFeatures features;
  const Rotary rotary = make_rotary(plan.angles, model.dtype == at::kDouble ? at::kDouble : at::kFloat);
  for (std::int64_t i = 0; i < v.depth; ++i) {
    const AttentionPlan& rows = full_attention(model.config, i) ? plan.frames : plan.windows;
    if (model.gradient_checkpointing && at::GradMode::is_enabled() && x.requires_grad())  // a frozen tower has nothing to go back for
      x = checkpointed(x, [&model, i, rotary, rows](const at::Tensor& input) { return block(model, i, input, rotary, rows); });
    else
      x = block(model, i, x, rotary, rows);
    if (tap) tap(format("vision_block_{}_{}", kind, i), x);
    const std::size_t depth = features.deepstack.size();
    if (depth == v.deepstack_visual_indexes.size() || v.deepstack_visual_indexes[depth] != i) continue;
    features.deepstack.push_back(merge_patches(model, x, format("visual.deepstack_merger_list.{}.", depth), true));
    if (tap) tap(format("deepstack_{}_{}", kind, depth), features.deepstack.back());
  }
  features.merged = merge_patches(model, x, "visual.merger.", false);
  if (plan.unit_inverse.defined()) features.merged = features.merged.index_select(0, plan.unit_inverse);
  if (tap) tap("vision_" + kind, features.merged);
  return features;
}

}  // namespace beholder::vlm
