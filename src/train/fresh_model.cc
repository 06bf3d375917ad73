#include "train/fresh_model.h"

#include <filesystem>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/bpe_train.h"
#include "judge/prompt.h"
#include "media/preprocess.h"
#include "world/thought.h"

namespace beholder::train {
namespace {

constexpr std::int64_t kMaxPositions = 32768;
constexpr std::size_t kCorpusTexts = 4000;  // covers every word and phrase of the world many times

// Control tokens keep their published order behind the vocabulary.
struct TokenIds {
  std::int64_t rows = 0;  // of the embedding: a multiple of 64, at least one per token
  std::map<std::string, std::int64_t> added;
  std::int64_t operator[](const char* token) const { return added.at(token); }
};

TokenIds write_tokenizer_files(const std::string& dir, const InitConfig& init, std::uint64_t seed) {
  const hf::TokenizerFiles files{.model_max_length = kMaxPositions};
  const auto added = static_cast<std::int64_t>(files.special.size() + files.plain.size());
  const std::vector<std::string> texts = world::corpus(seed, kCorpusTexts, judge::prompt_texts());
  const hf::Vocabulary vocabulary = hf::train_bpe(texts, init.vocab_size - added);
  hf::write_tokenizer(dir, vocabulary, files);
  TokenIds ids;
  auto next = static_cast<std::int64_t>(vocabulary.tokens.size());
  for (const auto* list : {&files.special, &files.plain})
    for (const std::string& token : *list) ids.added[token] = next++;
  ids.rows = (next + 63) / 64 * 64;
  return ids;
}

Json vision_json(const InitConfig& c) {
  Json full_attention = Json::array();
  for (const double block : c.fullatt_block_indexes) full_attention.push_back(static_cast<std::int64_t>(block));
  return {{"depth", c.vision_depth},
          {"hidden_act", "silu"},
          {"hidden_size", c.vision_hidden_size},
          {"intermediate_size", c.vision_intermediate_size},
          {"num_heads", c.vision_num_heads},
          {"in_chans", 3},
          {"out_hidden_size", c.hidden_size},
          {"patch_size", c.patch_size},
          {"spatial_merge_size", 2},
          {"spatial_patch_size", c.patch_size},
          {"window_size", c.window_size},
          {"fullatt_block_indexes", full_attention},
          {"tokens_per_second", 2},
          {"temporal_patch_size", 2}};
}

Json config_json(const InitConfig& c, const TokenIds& ids) {
  const std::int64_t half = c.hidden_size / c.num_attention_heads / 2;  // a multiple of 8
  return {{"architectures", {"Qwen2_5_VLForConditionalGeneration"}},
          {"attention_dropout", 0.0},
          {"bos_token_id", ids["<|endoftext|>"]},
          {"eos_token_id", ids["<|im_end|>"]},
          {"vision_start_token_id", ids["<|vision_start|>"]},
          {"vision_end_token_id", ids["<|vision_end|>"]},
          {"vision_token_id", ids["<|vision_pad|>"]},
          {"image_token_id", ids["<|image_pad|>"]},
          {"video_token_id", ids["<|video_pad|>"]},
          {"hidden_act", "silu"},
          {"hidden_size", c.hidden_size},
          {"initializer_range", 0.02},
          {"intermediate_size", c.intermediate_size},
          {"max_position_embeddings", kMaxPositions},
          {"max_window_layers", c.num_hidden_layers},
          {"model_type", "qwen2_5_vl"},
          {"num_attention_heads", c.num_attention_heads},
          {"num_hidden_layers", c.num_hidden_layers},
          {"num_key_value_heads", c.num_key_value_heads},
          {"rms_norm_eps", 1e-06},
          {"rope_theta", c.rope_theta},
          {"sliding_window", kMaxPositions},
          {"tie_word_embeddings", true},
          {"torch_dtype", "float32"},
          {"transformers_version", "4.41.2"},
          {"use_cache", true},
          {"use_sliding_window", false},
          {"vision_config", vision_json(c)},
          {"rope_scaling", {{"type", "mrope"}, {"mrope_section", {half / 8, 7 * half / 16, half - half / 8 - 7 * half / 16}}}},
          {"vocab_size", ids.rows}};
}

Json generation_json(const TokenIds& ids) {
  return {{"bos_token_id", ids["<|endoftext|>"]},
          {"pad_token_id", ids["<|endoftext|>"]},
          {"do_sample", true},
          {"eos_token_id", {ids["<|im_end|>"], ids["<|endoftext|>"]}},
          {"temperature", 1.0},
          {"transformers_version", "4.49.0"}};
}

Json preprocessor_json(const InitConfig& c) {
  const media::PatchConfig published;
  return {{"min_pixels", c.min_pixels},
          {"max_pixels", c.max_pixels},
          {"patch_size", c.patch_size},
          {"temporal_patch_size", published.temporal_patch_size},
          {"merge_size", published.merge_size},
          {"image_mean", published.image_mean},
          {"image_std", published.image_std},
          {"image_processor_type", "Qwen2VLImageProcessor"},
          {"processor_class", "Qwen2_5_VLProcessor"}};
}

}  // namespace

void write_fresh_model_dir(const std::string& dir, const InitConfig& init, std::uint64_t seed) {
  std::filesystem::create_directories(dir);
  const TokenIds ids = write_tokenizer_files(dir, init, seed);
  write_file_atomic(dir + "/config.json", config_json(init, ids).dump(2) + "\n");
  write_file_atomic(dir + "/generation_config.json", generation_json(ids).dump(2) + "\n");
  write_file_atomic(dir + "/preprocessor_config.json", preprocessor_json(init).dump(2) + "\n");
}

std::map<std::string, std::string> read_model_files(const std::string& dir) {
  std::map<std::string, std::string> files;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "special_tokens_map.json",
                           "added_tokens.json", "chat_template.json", "chat_template.jinja", "preprocessor_config.json",
                           "video_preprocessor_config.json", "generation_config.json"})
    if (std::filesystem::exists(dir + "/" + name)) files[name] = read_file(dir + "/" + name);
  return files;
}

}  // namespace beholder::train
