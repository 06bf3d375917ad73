#include "train/answer_tokens.h"

#include <utility>
#include <vector>

#include "core/error.h"
#include "core/format.h"

namespace beholder::train {
namespace {

using Merge = std::pair<std::string, std::string>;

// What joins the tokens that a word is now into one, from the left.
std::vector<Merge> merges_of(const hf::Tokenizer& tokenizer, const std::string& word) {
  std::vector<Merge> merges;
  std::string joined;
  for (const std::int64_t id : tokenizer.encode(word, hf::Specials::kPlain)) {
    const std::string piece = tokenizer.decode(std::span(&id, 1));
    if (!joined.empty()) merges.emplace_back(joined, piece);
    joined += piece;
  }
  require_internal(joined == word, "a word of ASCII letters is its tokens' texts");
  return merges;
}

void extend_vocabulary(Json& vocabulary, std::int64_t first_id, const std::vector<Merge>& merges) {
  for (const auto& [left, right] : merges) vocabulary[left + right] = first_id++;
}

// tokenizer.json writes a merge as "a b", or as ["a", "b"].
void extend_merges(Json& list, const std::vector<Merge>& merges) {
  const bool pairs = !list.empty() && list[0].is_array();
  for (const auto& [left, right] : merges) list.push_back(pairs ? Json::array({left, right}) : Json(left + " " + right));
}

}  // namespace

bool add_word_tokens(std::map<std::string, std::string>& files, const judge::JudgeSpec& spec, std::span<const std::string> words,
                     const std::string& where) {
  std::vector<Merge> merges;
  for (const std::string& word : words) {
    const std::vector<Merge> more = merges_of(spec.tokenizer, word);
    merges.insert(merges.end(), more.begin(), more.end());
  }
  if (merges.empty()) return false;
  const std::int64_t first = spec.tokenizer.size(), rows = spec.config.text.vocab_size;
  if (first + std::ssize(merges) > rows)
    throw Error(Code::kUnsupported, where,
                format("the tokenizer lacks {}, and the embedding has {} rows to spare for {} tokens", fmt::join(words, " or "),
                       rows - first, merges.size()),
                "start from a checkpoint whose tokenizer has them, such as Qwen2-VL's or Qwen2.5-VL's");
  if (const auto file = files.find("tokenizer.json"); file != files.end()) {
    Json json = parse_json(file->second, where + "/tokenizer.json");
    extend_vocabulary(json.at("model").at("vocab"), first, merges);
    extend_merges(json.at("model").at("merges"), merges);
    file->second = json.dump(1) + "\n";
  }
  if (const auto file = files.find("vocab.json"); file != files.end()) {
    Json json = parse_json(file->second, where + "/vocab.json");
    extend_vocabulary(json, first, merges);
    file->second = json.dump();
  }
  if (const auto file = files.find("merges.txt"); file != files.end()) {
    if (!file->second.ends_with('\n')) file->second += '\n';
    for (const auto& [left, right] : merges) file->second += left + " " + right + "\n";
  }
  return true;
}

}  // namespace beholder::train
