#include "hf/tokenizer_files.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "hf/sorted_json.h"
#include "hf/split_pattern.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr std::int64_t kMaxIds = 1 << 24;

[[noreturn]] void corrupt_tokenizer(const std::string& where, const std::string& what) {
  throw Error(Code::kCorrupt, where, what, "fetch the tokenizer's files again");
}
[[noreturn]] void unsupported_tokenizer(const std::string& where, const std::string& what) {
  throw Error(Code::kUnsupported, where, what, "supported: byte-level BPE as Qwen2's tokenizers use it");
}

SortedJson read_sorted(const std::string& path) {
  return parse_sorted_json(read_file(path, kMaxFileBytes), path);
}

const SortedJson& member(const SortedJson& object, const char* key) {
  static const SortedJson kNull;
  const auto it = object.is_object() ? object.find(key) : object.end();
  return it == object.end() ? kNull : *it;
}
std::string text_of(const SortedJson& object, const char* key) {
  const SortedJson& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}
bool flag_of(const SortedJson& object, const char* key) {
  const SortedJson& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::int64_t id_of(const SortedJson& value, const std::string& where, const std::string& token) {
  const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() < static_cast<std::uint64_t>(kMaxIds);
  if (!fits) corrupt_tokenizer(where, format("the id of token \"{}\" is not a number from 0 to {}", token, kMaxIds - 1));
  return value.get<std::int64_t>();
}

// Collects tokens from whichever files there are and holds every rule about ids.
class SpecBuilder {
 public:
  explicit SpecBuilder(std::string where) : where_(std::move(where)) {}

  void vocabulary(const SortedJson& vocab) {
    if (!vocab.is_object() || vocab.empty()) corrupt_tokenizer(where_, "there is no vocabulary");
    for (const auto& [printable, value] : vocab.items()) {
      const std::int64_t id = id_of(value, where_, printable);
      if (printable.empty()) corrupt_tokenizer(where_, "the vocabulary has an empty token");
      ids_.emplace(printable, static_cast<std::int32_t>(id));
      place(id, printable_to_bytes(printable).value_or(printable));
    }
  }

  void merge(const std::string& left, const std::string& right) {
    const std::size_t rank = spec_.vocabulary.merges.size();
    for (const std::string& token : {left, right, left + right})
      if (!ids_.contains(token))
        corrupt_tokenizer(where_, format("merge {} (\"{}\" \"{}\") names \"{}\", which the vocabulary lacks", rank, left, right, token));
    spec_.vocabulary.merges.push_back({ids_.at(left), ids_.at(right)});
  }
  void merge_line(const std::string& line) {
    const std::size_t space = line.find(' ');
    if (space == 0 || space == std::string::npos || line.find(' ', space + 1) != std::string::npos || space + 1 == line.size())
      corrupt_tokenizer(where_, format("merge {} is not two tokens: \"{}\"", spec_.vocabulary.merges.size(), line));
    merge(line.substr(0, space), line.substr(space + 1));
  }

  void added(const SortedJson& entry, std::int64_t id) {
    AddedToken token{id,
                     text_of(entry, "content"),
                     flag_of(entry, "special"),
                     flag_of(entry, "lstrip"),
                     flag_of(entry, "rstrip"),
                     flag_of(entry, "normalized")};
    if (token.content.empty()) corrupt_tokenizer(where_, format("the added token {} has no content", id));
    if (flag_of(entry, "single_word")) unsupported_tokenizer(where_, format("the added token \"{}\" is marked single_word", token.content));
    const auto known =
        std::find_if(spec_.added.begin(), spec_.added.end(), [&](const AddedToken& t) { return t.id == id || t.content == token.content; });
    if (known != spec_.added.end()) {
      if (known->id == id && known->content == token.content) return;
      corrupt_tokenizer(where_, format("the added tokens \"{}\" ({}) and \"{}\" ({}) clash", known->content, known->id, token.content, id));
    }
    const auto plain = ids_.find(token.content);
    if (plain != ids_.end() && plain->second != id)
      corrupt_tokenizer(where_, format("the token \"{}\" has two ids, {} and {}", token.content, plain->second, id));
    if (plain == ids_.end()) place(id, token.content);
    // Merging ordinary text must never give a control token.
    if (plain == ids_.end() || token.special) not_for_merging_.push_back(id);
    if (token.normalized) token.content = to_nfc(token.content);
    spec_.added.push_back(std::move(token));
  }

  TokenizerSpec finish(std::string split_pattern) {
    std::vector<std::string>& tokens = spec_.vocabulary.tokens;
    for (std::size_t id = 0; id < tokens.size(); ++id)
      if (tokens[id].empty()) corrupt_tokenizer(where_, format("no token has the id {}, {} ids are in use", id, tokens.size()));
    for (const std::int64_t id : not_for_merging_) tokens[static_cast<std::size_t>(id)].clear();
    spec_.split_pattern = std::move(split_pattern);
    return std::move(spec_);
  }
  TokenizerSpec& spec() { return spec_; }

 private:
  void place(std::int64_t id, const std::string& bytes) {
    std::vector<std::string>& tokens = spec_.vocabulary.tokens;
    if (static_cast<std::size_t>(id) >= tokens.size()) tokens.resize(static_cast<std::size_t>(id) + 1);
    std::string& slot = tokens[static_cast<std::size_t>(id)];
    if (!slot.empty())
      corrupt_tokenizer(where_, format("two tokens have the id {}: \"{}\" and \"{}\"", id, repair_utf8(slot), repair_utf8(bytes)));
    slot = bytes;
  }

  std::string where_;
  TokenizerSpec spec_;
  std::map<std::string, std::int32_t> ids_;  // by the printable form
  std::vector<std::int64_t> not_for_merging_;
};

// Both files may list added tokens; the same ones, or tokenizer_config.json more.
void add_from_config(SpecBuilder& builder, const std::string& dir) {
  const std::string path = dir + "/tokenizer_config.json";
  if (!std::filesystem::exists(path)) return;
  const SortedJson config = read_sorted(path);
  const SortedJson& tokens = member(config, "added_tokens_decoder");
  if (tokens.is_null()) return;
  if (!tokens.is_object()) corrupt_tokenizer(path, "\"added_tokens_decoder\" is not an object");
  std::map<std::int64_t, const SortedJson*> by_id;
  for (const auto& [key, entry] : tokens.items()) {
    const bool digits = !key.empty() && key.size() <= 8 && key.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoll(key) >= kMaxIds) corrupt_tokenizer(path, format("\"{}\" in \"added_tokens_decoder\" is not an id", key));
    by_id[std::stoll(key)] = &entry;
  }
  for (const auto& [id, entry] : by_id) builder.added(*entry, id);
}

bool is_type(const SortedJson& value, const char* type) {
  return text_of(value, "type") == type;
}

// A pipeline step stands alone or in a Sequence.
std::vector<SortedJson> steps_of(const SortedJson& value, const char* list) {
  if (value.is_null()) return {};
  if (!is_type(value, "Sequence")) return {value};
  const SortedJson& steps = member(value, list);
  return steps.is_array() ? steps.get<std::vector<SortedJson>>() : std::vector<SortedJson>{};
}

bool parse_normalizer(const std::string& path, const SortedJson& value) {
  bool nfc = false;
  for (const SortedJson& step : steps_of(value, "normalizers")) {
    if (!is_type(step, "NFC")) unsupported_tokenizer(path, format("the normalizer \"{}\" is not supported", text_of(step, "type")));
    nfc = true;
  }
  return nfc;
}

std::string parse_splitter(const std::string& path, const SortedJson& value) {
  std::string pattern;
  bool bytes = false;
  for (const SortedJson& step : steps_of(value, "pretokenizers")) {
    if (is_type(step, "Split") && pattern.empty() && !bytes) {
      pattern = text_of(member(step, "pattern"), "Regex");
      if (text_of(step, "behavior") != "Isolated" || flag_of(step, "invert") || pattern.empty())
        unsupported_tokenizer(path, "a Split that does not isolate the matches of a Regex is not supported");
    } else if (is_type(step, "ByteLevel") && !flag_of(step, "add_prefix_space") && !flag_of(step, "use_regex")) {
      bytes = true;
    } else {
      unsupported_tokenizer(path, format("the pre-tokenizer \"{}\" is not supported in this place", text_of(step, "type")));
    }
  }
  if (pattern.empty() || !bytes) unsupported_tokenizer(path, "the pre-tokenizer is not a Split followed by ByteLevel");
  return pattern;
}

void parse_model(SpecBuilder& builder, const std::string& path, const SortedJson& model) {
  if (!is_type(model, "BPE")) unsupported_tokenizer(path, format("the model \"{}\" is not supported", text_of(model, "type")));
  if (!member(model, "dropout").is_null()) unsupported_tokenizer(path, "BPE dropout is not supported");
  if (!text_of(model, "continuing_subword_prefix").empty() || !text_of(model, "end_of_word_suffix").empty())
    unsupported_tokenizer(path, "subword prefixes and word suffixes are not supported");
  builder.spec().ignore_merges = flag_of(model, "ignore_merges");
  builder.vocabulary(member(model, "vocab"));
  const SortedJson& merges = member(model, "merges");
  if (!merges.is_array()) corrupt_tokenizer(path, "\"merges\" is not a list");
  for (const SortedJson& merge : merges) {
    if (merge.is_string())
      builder.merge_line(merge.get<std::string>());
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      builder.merge(merge[0].get<std::string>(), merge[1].get<std::string>());
    else
      corrupt_tokenizer(path, "a merge is neither \"a b\" nor a pair of strings");
  }
}

TokenizerSpec read_one_file(const std::string& dir, const std::string& path) {
  const SortedJson json = read_sorted(path);
  SpecBuilder builder(path);
  parse_model(builder, path, member(json, "model"));
  const std::string pattern = parse_splitter(path, member(json, "pre_tokenizer"));
  builder.spec().nfc = parse_normalizer(path, member(json, "normalizer"));
  if (!is_type(member(json, "decoder"), "ByteLevel")) unsupported_tokenizer(path, "the decoder is not ByteLevel");
  const SortedJson& post = member(json, "post_processor");
  if (!post.is_null() && !is_type(post, "ByteLevel"))
    unsupported_tokenizer(path, format("the post-processor \"{}\" is not supported", text_of(post, "type")));
  const SortedJson& added = member(json, "added_tokens");
  if (!added.is_null() && !added.is_array()) corrupt_tokenizer(path, "\"added_tokens\" is not a list");
  for (const SortedJson& entry : added) builder.added(entry, id_of(member(entry, "id"), path, text_of(entry, "content")));
  add_from_config(builder, dir);
  return builder.finish(pattern);
}

TokenizerSpec read_three_files(const std::string& dir) {
  SpecBuilder builder(dir + "/vocab.json");
  builder.vocabulary(read_sorted(dir + "/vocab.json"));
  const std::string merges = read_file(dir + "/merges.txt", kMaxFileBytes);
  require_utf8(merges, dir + "/merges.txt");
  for (std::size_t at = 0; at < merges.size();) {
    const std::size_t end = std::min(merges.find('\n', at), merges.size());
    std::string line = merges.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && !(at == 0 && line.starts_with("#version"))) builder.merge_line(line);
    at = end + 1;
  }
  add_from_config(builder, dir);
  return builder.finish(std::string(kQwenSplit));
}

}  // namespace

TokenizerSpec read_tokenizer_spec(const std::string& dir) {
  const auto there = [&](const char* name) { return std::filesystem::exists(dir + "/" + name); };
  if (there("tokenizer.json")) return read_one_file(dir, dir + "/tokenizer.json");
  if (there("vocab.json") && there("merges.txt")) return read_three_files(dir);
  throw Error(Code::kNotFound, dir, "there is no tokenizer.json, and no vocab.json with merges.txt",
              "give the folder of a checkpoint in the Hugging Face layout, downloaded whole");
}

}  // namespace beholder::hf
