// What a checkpoint's JSON files say: config.json (the flat layout published with Qwen2-VL and Qwen2.5-VL, and the nested
// text_config layout published with Qwen3-VL and written by newer transformers) and generation_config.json.
// preprocessor_config.json is read by media.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::hf {

enum class Family { kQwen2VL, kQwen25VL, kQwen3VL };
std::string family_name(Family family);  // "qwen2_vl", "qwen2_5_vl", "qwen3_vl": config.json's model_type
std::string supported_families();        // "Qwen2-VL, … or …", for messages

struct TextConfig {
  std::int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  std::int64_t num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 0;
  double rms_norm_eps = 1e-6, rope_theta = 1e6;
  std::array<std::int64_t, 3> mrope_section{};  // time, height, width; sums to head_dim / 2
  bool mrope_interleaved = false;               // the axes take turns along the head (Qwen3-VL) instead of a stretch each
  bool qkv_bias = true;
  bool qk_norm = false;  // RMSNorm of every query and key head before the rotation (Qwen3-VL)
  std::int64_t max_position_embeddings = 0;
  bool tie_word_embeddings = false;
};

struct VisionConfig {
  std::int64_t depth = 0, hidden_size = 0, intermediate_size = 0, num_heads = 0, out_hidden_size = 0;
  std::int64_t in_channels = 3, patch_size = 14, temporal_patch_size = 2, spatial_merge_size = 2;
  std::int64_t window_size = 112;                   // px; Qwen2.5-VL only
  std::vector<std::int64_t> fullatt_block_indexes;  // Qwen2.5-VL only
  double tokens_per_second = 1;                     // Qwen2.5-VL: time step of M-RoPE for video
  std::string hidden_act;                           // "silu", "quick_gelu" or "gelu_pytorch_tanh", by family
  // Qwen3-VL only:
  std::int64_t num_position_embeddings = 0;            // learned positions, a square table; 0: none
  std::vector<std::int64_t> deepstack_visual_indexes;  // ascending; their outputs reach the decoder's first layers
  bool frame_timestamps = false;                       // every temporal patch of a video stands behind its time in the text
};

struct ModelConfig {
  Family family = Family::kQwen25VL;
  TextConfig text;
  VisionConfig vision;
  std::int64_t image_token_id = 0, video_token_id = 0, vision_start_token_id = 0, vision_end_token_id = 0;
  std::string dtype = "float32";  // as stored: torch_dtype or dtype
  bool default_system = true;     // the chat template begins a conversation with a system message of its own
  Json raw;                       // the whole file, written back unchanged when a trained checkpoint is saved
};

struct GenerationConfig {
  std::vector<std::int64_t> eos_token_ids;
  std::int64_t pad_token_id = 0;
};

// kUnsupported (names the architecture and the supported ones), kNotFound or kCorrupt. Every size is range-checked.
ModelConfig read_model_config(const std::string& dir);
ModelConfig parse_model_config(const Json& json, const std::string& where);
// Without a generation_config.json the end token of config.json is used.
GenerationConfig read_generation_config(const std::string& dir, const ModelConfig& config);

}  // namespace beholder::hf
