#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/bpe_train.h"
#include "hf/split_pattern.h"

namespace beholder::hf {
namespace {

// Qwen2-VL's published chat template (a Jinja program that transformers runs; chat.cc renders the same).
constexpr std::string_view kChatTemplate =
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif content['type'] == 'video' or 'video' in content %}"
    "{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

constexpr const char* kEnd = "<|im_end|>";
constexpr const char* kPad = "<|endoftext|>";

struct Added {
  std::int64_t id;
  std::string content;
  bool special;
};

std::vector<Added> number_added(const std::string& dir, const Vocabulary& vocabulary, const TokenizerFiles& files) {
  std::set<std::string> names(vocabulary.tokens.begin(), vocabulary.tokens.end());
  if (names.size() != vocabulary.tokens.size() || names.contains(""))
    throw Error(Code::kInvalidInput, dir, "the vocabulary has an empty token, or one token twice");
  std::vector<Added> added;
  for (const bool special : {true, false})
    for (const std::string& content : special ? files.special : files.plain) {
      if (content.empty() || !names.insert(content).second)
        throw Error(Code::kInvalidInput, dir, format("the added token \"{}\" is empty or there already", content));
      added.push_back({static_cast<std::int64_t>(vocabulary.tokens.size() + added.size()), content, special});
    }
  for (const char* content : {kEnd, kPad})
    if (std::find(files.special.begin(), files.special.end(), content) == files.special.end())
      throw Error(Code::kInvalidInput, dir, format("the special tokens lack {}, which ends a turn or fills a batch", content));
  return added;
}

// By hand: an ordered JSON object of many keys takes quadratic time to fill.
std::string vocab_text(const Vocabulary& vocabulary) {
  std::string text = "{";
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    text += format("{}{}: {}", id == 0 ? "" : ", ", json_line(bytes_to_printable(vocabulary.tokens[id])), id);
  return text + "}";
}

std::vector<std::string> merge_lines(const Vocabulary& vocabulary) {
  std::vector<std::string> lines;
  const auto printable = [&](std::int32_t id) { return bytes_to_printable(vocabulary.tokens.at(static_cast<std::size_t>(id))); };
  for (const auto& [left, right] : vocabulary.merges) lines.push_back(printable(left) + " " + printable(right));
  return lines;
}

Json flags_of(const Added& token) {
  return {{"content", token.content}, {"lstrip", false},      {"normalized", false},
          {"rstrip", false},          {"single_word", false}, {"special", token.special}};
}

Json byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
}

std::string tokenizer_text(const Vocabulary& vocabulary, const std::vector<Added>& added) {
  Json list = Json::array();
  for (const Added& token : added) {
    Json entry{{"id", token.id}};
    entry.update(flags_of(token));
    list.push_back(entry);
  }
  const Json split{{"type", "Split"}, {"pattern", {{"Regex", kQwenSplit}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Json head{{"version", "1.0"},
                  {"truncation", nullptr},
                  {"padding", nullptr},
                  {"added_tokens", list},
                  {"normalizer", {{"type", "NFC"}}},
                  {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level()})}}},
                  {"post_processor", byte_level()},
                  {"decoder", byte_level()}};
  const Json model{
      {"type", "BPE"},     {"dropout", nullptr},     {"unk_token", nullptr},  {"continuing_subword_prefix", ""}, {"end_of_word_suffix", ""},
      {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false}};
  const auto open = [](const Json& object) {  // without its closing brace
    std::string text = json_line(object);
    text.pop_back();
    return text;
  };
  return open(head) + ",\"model\":" + open(model) + ",\"vocab\":" + vocab_text(vocabulary) +
         ",\"merges\":" + json_line(Json(merge_lines(vocabulary))) + "}}\n";
}

Json tokenizer_config(const std::vector<Added>& added, const TokenizerFiles& files) {
  Json decoder = Json::object(), more = Json::array();
  for (const Added& token : added) {
    decoder[std::to_string(token.id)] = flags_of(token);
    if (token.special && token.content != kPad) more.push_back(token.content);
  }
  return {{"add_bos_token", false},
          {"add_prefix_space", false},
          {"added_tokens_decoder", decoder},
          {"additional_special_tokens", more},
          {"bos_token", nullptr},
          {"chat_template", kChatTemplate},
          {"clean_up_tokenization_spaces", false},
          {"eos_token", kEnd},
          {"errors", "replace"},
          {"model_max_length", files.model_max_length},
          {"pad_token", kPad},
          {"split_special_tokens", false},
          {"tokenizer_class", "Qwen2Tokenizer"},
          {"unk_token", nullptr}};
}

}  // namespace

const std::vector<std::string>& qwen_special_tokens() {
  static const std::vector<std::string> list{
      "<|endoftext|>",  "<|im_start|>", "<|im_end|>",       "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
      "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",       "<|vision_pad|>",     "<|image_pad|>", "<|video_pad|>"};
  return list;
}

const std::vector<std::string>& qwen_plain_tokens() {
  static const std::vector<std::string> list{"<tool_call>",    "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
                                             "<|fim_suffix|>", "<|fim_pad|>",  "<|repo_name|>",  "<|file_sep|>"};
  return list;
}

void write_tokenizer(const std::string& dir, const Vocabulary& vocabulary, const TokenizerFiles& files) {
  const std::vector<Added> added = number_added(dir, vocabulary, files);
  std::string merges = "#version: 0.2\n";
  for (const std::string& line : merge_lines(vocabulary)) merges += line + "\n";
  write_file_atomic(dir + "/vocab.json", vocab_text(vocabulary) + "\n");
  write_file_atomic(dir + "/merges.txt", merges);
  write_file_atomic(dir + "/tokenizer.json", tokenizer_text(vocabulary, added));
  write_file_atomic(dir + "/tokenizer_config.json", tokenizer_config(added, files).dump(1) + "\n");
  write_file_atomic(dir + "/chat_template.json", Json{{"chat_template", kChatTemplate}}.dump(1) + "\n");
}

}  // namespace beholder::hf
