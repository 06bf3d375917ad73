// The architecture of a generator, as its config.json says it: a transformer over patches of pixels (DiT, arXiv 2212.09748) that is told
// the time through its norms and the prompt through the keys and values of its attention; convolutions over pixels have the last word.
#pragma once

#include <cstdint>
#include <string>

#include "core/config.h"
#include "core/json.h"

namespace beholder::gen {

// The encoder of prompts: a small transformer that sees in both directions.
struct TextConfig {
  std::int64_t vocab_size = 0;  // rows of the embedding; from the tokenizer
  std::int64_t hidden_size = 128, num_hidden_layers = 2, num_attention_heads = 4;
  std::int64_t max_length = 32;  // tokens of a prompt, the end token included
  std::int64_t end_token_id = 0;
};

struct GeneratorConfig {
  std::int64_t image_size = 64;     // px, both sides
  std::int64_t num_frames = 1;      // 1: pictures
  double fps = 0;                   // of the videos it makes; 0 for pictures
  std::int64_t patch_size = 8;      // px, both sides
  std::int64_t temporal_patch = 1;  // frames in a patch
  std::int64_t hidden_size = 192, intermediate_size = 768, num_hidden_layers = 6, num_attention_heads = 6;
  std::int64_t pixel_channels = 24;  // what the transformer tells of every pixel to the two convolutions that draw it
  TextConfig text;

  bool is_video() const { return num_frames > 1; }
  std::int64_t patches_per_side() const { return image_size / patch_size; }
  std::int64_t patches_in_time() const { return num_frames / temporal_patch; }
  std::int64_t patches() const { return patches_in_time() * patches_per_side() * patches_per_side(); }
  std::int64_t patch_values() const { return 3 * temporal_patch * patch_size * patch_size; }

  // What a fresh generator may be asked to be, as fields of the TOML table [init].
  void fields(FieldList& f);
};

// kUsage, naming the field of [init], where sizes do not divide each other.
void validate(const GeneratorConfig& config);

Json config_to_json(const GeneratorConfig& config);
// kUnsupported for the config.json of something else, kCorrupt for one with values that cannot be; `where` names the file.
GeneratorConfig parse_config(const Json& json, const std::string& where);
GeneratorConfig read_config(const std::string& dir);

}  // namespace beholder::gen
