#include "hf/config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "hf/chat_template.h"
#include "hf/config_reader.h"
#include "hf/vision_config.h"

namespace beholder::hf {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 24;
struct FamilyNames {
  Family family;
  const char *model_type, *architecture, *title;
};
constexpr std::array kFamilies{
    FamilyNames{Family::kQwen2VL, "qwen2_vl", "Qwen2VLForConditionalGeneration", "Qwen2-VL"},
    FamilyNames{Family::kQwen25VL, "qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", "Qwen2.5-VL"},
    FamilyNames{Family::kQwen3VL, "qwen3_vl", "Qwen3VLForConditionalGeneration", "Qwen3-VL (dense)"},
};

using Reader = ConfigReader;

std::string architecture_of(const Reader& r) {
  if (!r.has("architectures")) return "";
  const Json& list = r.at("architectures");
  return list.is_array() && !list.empty() && list[0].is_string() ? list[0].get<std::string>() : "";
}

// model_type decides; a file without one is known by its architecture.
Family parse_family(const Reader& r) {
  const std::string type = r.get<std::string>("model_type", ""), architecture = architecture_of(r);
  std::string supported;
  for (const FamilyNames& names : kFamilies) {
    if (type == names.model_type || (type.empty() && architecture == names.architecture)) return names.family;
    supported += format("{}{} ({})", supported.empty() ? "" : ", ", names.architecture, names.model_type);
  }
  const std::string name = !architecture.empty() ? architecture : !type.empty() ? type : "(none named)";
  r.unsupported(format("the architecture {} is not supported", name), "supported: " + supported);
}

// The section of M-RoPE, under rope_scaling (published files) or rope_parameters (newer transformers, with rope_theta).
void parse_rope(const Reader& r, Family family, TextConfig& text) {
  const char* key = r.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const Reader rope(r.at(key), format("{}: {}", r.where(), key));
  for (const char* name : {"rope_type", "type"}) {
    const std::string type = rope.get<std::string>(name, "default");
    if (type != "default" && type != "mrope")
      rope.unsupported(format("the position scaling \"{}\" is not supported", type), "supported: mrope");
  }
  const Json& section = rope.at("mrope_section");
  rope.require(section.is_array() && section.size() == 3, "\"mrope_section\" is not a list of three numbers");
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    rope.require(is_integer_in(section[i], 0, 4096), "\"mrope_section\" has a value outside 0 to 4096");
    sum += text.mrope_section[i] = section[i].get<std::int64_t>();
  }
  rope.require(sum * 2 == text.head_dim, format("\"mrope_section\" sums to {}, half of the head size {} is needed", sum, text.head_dim));
  text.mrope_interleaved = family == Family::kQwen3VL;
  if (rope.get<bool>("mrope_interleaved", text.mrope_interleaved) != text.mrope_interleaved)
    rope.unsupported(format("\"mrope_interleaved\" is not {}, as it is in every {}", text.mrope_interleaved, family_name(family)));
  text.rope_theta = rope.real_or("rope_theta", r.real_or("rope_theta", family == Family::kQwen3VL ? 5e6 : 1e6, 1, 1e12), 1, 1e12);
}

// Things the file may switch on that would change the numbers, and that this program does not compute.
void refuse_variants(const Reader& r) {
  if (r.get<std::string>("hidden_act", "silu") != "silu") r.unsupported("the decoder's hidden_act is not silu");
  if (r.get<bool>("use_sliding_window", false)) r.unsupported("sliding-window attention is not supported", "use a checkpoint without it");
  if (!r.has("layer_types")) return;
  for (const Json& type : r.at("layer_types"))
    if (type != "full_attention") r.unsupported(format("the layer type {} is not supported", json_line(type)));
}

TextConfig parse_text(const Reader& r, Family family, bool tie_fallback) {
  refuse_variants(r);
  TextConfig text;
  text.vocab_size = r.integer("vocab_size", 1, 1 << 24);
  text.hidden_size = r.integer("hidden_size", 1, 1 << 17);
  text.intermediate_size = r.integer("intermediate_size", 1, 1 << 20);
  text.num_layers = r.integer("num_hidden_layers", 1, 4096);
  text.num_heads = r.integer("num_attention_heads", 1, 4096);
  text.num_kv_heads = r.integer_or("num_key_value_heads", text.num_heads, 1, 4096);
  r.require(text.num_heads % text.num_kv_heads == 0, "\"num_attention_heads\" is not a multiple of \"num_key_value_heads\"");
  if (!r.has("head_dim") && family != Family::kQwen3VL)
    r.require(text.hidden_size % text.num_heads == 0, "\"hidden_size\" is not a multiple of \"num_attention_heads\"");
  text.head_dim = r.integer_or("head_dim", family == Family::kQwen3VL ? 128 : text.hidden_size / text.num_heads, 1, 8192);
  r.require(text.head_dim > 0 && text.head_dim % 2 == 0, format("a head size of {} is not even", text.head_dim));
  text.rms_norm_eps = r.real_or("rms_norm_eps", 1e-6, 0, 1);
  text.max_position_embeddings = r.integer_or("max_position_embeddings", 32768, 1, std::int64_t{1} << 40);
  text.tie_word_embeddings = r.get<bool>("tie_word_embeddings", tie_fallback);
  text.qk_norm = family == Family::kQwen3VL;
  text.qkv_bias = family != Family::kQwen3VL;
  if (r.get<bool>("attention_bias", text.qkv_bias) != text.qkv_bias)
    r.unsupported(format("\"attention_bias\" is not {}, as it is in every {}", text.qkv_bias, family_name(family)));
  parse_rope(r, family, text);
  return text;
}

std::int64_t parse_token(const Reader& r, const char* key, std::int64_t fallback, std::int64_t vocab_size) {
  const std::int64_t id = r.integer_or(key, fallback, 0, INT64_MAX);
  r.require(id < vocab_size, format("\"{}\" is {}, the vocabulary has {} entries", key, id, vocab_size));
  return id;
}

// The published ids are the defaults, as in transformers.
void parse_tokens(const Reader& r, ModelConfig& c) {
  c.image_token_id = parse_token(r, "image_token_id", 151655, c.text.vocab_size);
  c.video_token_id = parse_token(r, "video_token_id", 151656, c.text.vocab_size);
  c.vision_start_token_id = parse_token(r, "vision_start_token_id", 151652, c.text.vocab_size);
  c.vision_end_token_id = parse_token(r, "vision_end_token_id", 151653, c.text.vocab_size);
  const std::set<std::int64_t> ids{c.image_token_id, c.video_token_id, c.vision_start_token_id, c.vision_end_token_id};
  r.require(ids.size() == 4, "two of the image, video, vision start and vision end tokens have the same id");
}

std::string parse_stored_dtype(const Reader& top, const Reader& text) {
  for (const Reader* r : {&top, &text})
    for (const char* key : {"dtype", "torch_dtype"})
      if (r->has(key)) {
        std::string name = r->get<std::string>(key, "");
        if (name.starts_with("torch.")) name.erase(0, 6);
        if (name != "float32" && name != "bfloat16" && name != "float16" && name != "float64")
          r->unsupported(format("the stored dtype \"{}\" is not supported", name), "supported: float32, bfloat16, float16, float64");
        return name;
      }
  return "float32";
}

std::string file_of(const std::string& dir, const char* name) {
  return (std::filesystem::path(dir) / name).string();
}

std::vector<std::int64_t> parse_eos(const Reader& r, std::int64_t vocab_size) {
  std::vector<std::int64_t> ids;
  if (!r.has("eos_token_id")) return ids;
  const Json& value = r.at("eos_token_id");
  for (const Json& id : value.is_array() ? value : Json::array({value})) {
    r.require(is_integer_in(id, 0, vocab_size - 1),
              format("\"eos_token_id\" {} is no token of the vocabulary", json_line(id).substr(0, 40)));
    ids.push_back(id.get<std::int64_t>());
  }
  return ids;
}

}  // namespace

std::string family_name(Family family) {
  return std::find_if(kFamilies.begin(), kFamilies.end(), [&](const FamilyNames& names) { return names.family == family; })->model_type;
}

std::string supported_families() {
  std::string text;
  for (std::size_t i = 0; i < kFamilies.size(); ++i)
    text += format("{}{}", i == 0 ? "" : i + 1 == kFamilies.size() ? " or " : ", ", kFamilies[i].title);
  return text;
}

ModelConfig parse_model_config(const Json& json, const std::string& where) {
  const Reader top(json, where);
  ModelConfig c;
  c.family = parse_family(top);
  if (top.has("quantization_config"))
    top.unsupported("quantised checkpoints are not supported", "use the float16, bfloat16 or float32 weights");
  const Reader text = top.has("text_config") ? Reader(top.at("text_config"), where + ": text_config") : top;
  const Reader vision(top.at("vision_config"), where + ": vision_config");
  c.text = parse_text(text, c.family, top.get<bool>("tie_word_embeddings", false));
  c.vision = parse_vision_config(vision, c.family);
  vision.require(c.vision.out_hidden_size == c.text.hidden_size,
                 format("the vision tower's output width {} is not the decoder's width {}", c.vision.out_hidden_size, c.text.hidden_size));
  vision.require(std::ssize(c.vision.deepstack_visual_indexes) <= c.text.num_layers,
                 format("\"deepstack_visual_indexes\" has {} entries for {} decoder layers", c.vision.deepstack_visual_indexes.size(),
                        c.text.num_layers));
  parse_tokens(top, c);
  c.dtype = parse_stored_dtype(top, text);
  c.raw = json;
  c.default_system = c.family != Family::kQwen3VL;
  return c;
}

ModelConfig read_model_config(const std::string& dir) {
  const std::string path = file_of(dir, "config.json");
  if (!std::filesystem::exists(path))
    throw Error(Code::kNotFound, dir, std::filesystem::is_directory(dir) ? "the folder has no config.json" : "there is no such folder",
                format("give the folder of a {} checkpoint in the Hugging Face layout", supported_families()));
  ModelConfig config = parse_model_config(parse_json(read_file(path, kMaxJsonBytes), path), path);
  config.default_system = template_has_default_system(dir, config.default_system);
  return config;
}

GenerationConfig read_generation_config(const std::string& dir, const ModelConfig& config) {
  const std::string path = file_of(dir, "generation_config.json");
  GenerationConfig out;
  const bool own = std::filesystem::exists(path);
  const Json json = own ? parse_json(read_file(path, kMaxJsonBytes), path) : config.raw;
  const Reader r(json, own ? path : file_of(dir, "config.json"));
  out.eos_token_ids = parse_eos(r, config.text.vocab_size);
  if (out.eos_token_ids.empty()) out.eos_token_ids = parse_eos(Reader(config.raw, "config.json"), config.text.vocab_size);
  if (out.eos_token_ids.empty() && config.raw.contains("text_config"))
    out.eos_token_ids = parse_eos(Reader(config.raw["text_config"], "config.json: text_config"), config.text.vocab_size);
  r.require(!out.eos_token_ids.empty(), "no \"eos_token_id\" says where an answer ends");
  out.pad_token_id = r.has("pad_token_id") ? parse_token(r, "pad_token_id", 0, config.text.vocab_size) : out.eos_token_ids.back();
  return out;
}

}  // namespace beholder::hf
