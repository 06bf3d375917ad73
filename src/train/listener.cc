#include "train/listener.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_set>

#include "core/error.h"
#include "core/rng.h"
#include "judge/prompt.h"
#include "vlm/packed.h"

namespace beholder::train {
namespace {

constexpr std::size_t kCacheLimit = 1 << 18;  // thoughts; a few MB
constexpr std::int64_t kCallTokens = 4096;    // of a packed call, and what the last group takes beyond them

bool states_verdict(std::string sentence) {
  static constexpr std::array<std::string_view, 11> kWords = {"better", "best",   "prefer",   "winner", "wins",   "choose",
                                                              "chosen", "choice", "superior", "answer", "verdict"};
  std::transform(sentence.begin(), sentence.end(), sentence.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view w) { return sentence.find(w) != std::string::npos; });
}

}  // namespace

bool contradicts(const judge::Verdict& verdict, double l) {
  return verdict.parsed && verdict.choice > 0 && (l > 0.5) != (verdict.choice == 1);
}

std::string redact_verdict(const std::string& thought) {
  std::string kept;
  for (std::size_t begin = 0; begin < thought.size();) {
    const std::size_t stop = std::min(thought.find_first_of(".!?\n", begin), thought.size() - 1);
    const std::string sentence = thought.substr(begin, stop - begin + 1);
    if (!states_verdict(sentence)) kept += sentence;
    begin = stop + 1;
  }
  return kept;
}

std::vector<std::vector<double>> Listener::hear(std::span<const Hearing> all) {
  std::vector<std::vector<std::uint64_t>> keys(all.size());
  judge::AskForest forest;
  std::vector<std::uint64_t> unread_keys;  // of the forest's leaves
  std::unordered_set<std::uint64_t> seen;
  if (cache_.size() > kCacheLimit) cache_.clear();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Hearing& hearing = all[i];
    require_internal(hearing.media.size() == 2, "a listener hears about two media");
    const std::uint64_t question =
        mix_keys(stable_hash(hearing.prompt), stable_hash(hearing.media[0].hash), stable_hash(hearing.media[1].hash));
    Hearing unread{hearing.prompt, hearing.media, {}};
    for (const std::string& thought : hearing.thoughts) {
      keys[i].push_back(mix_keys(question, stable_hash(thought)));
      if (cache_.contains(keys[i].back()) || !seen.insert(keys[i].back()).second) continue;
      unread.thoughts.push_back(redact_ ? redact_verdict(thought) : thought);
      unread_keys.push_back(keys[i].back());
    }
    if (!unread.thoughts.empty()) forest.add(segments(unread));
    if (forest.tokens() < kCallTokens && i + 1 < all.size()) continue;
    if (!unread_keys.empty()) read(forest, unread_keys);
    forest = {};
    unread_keys.clear();
  }
  std::vector<std::vector<double>> out(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const std::uint64_t key : keys[i]) out[i].push_back(cache_.at(key));
  return out;
}

// The question, then a child per thought that ends where the answer would begin.
std::vector<vlm::Segment> Listener::segments(const Hearing& hearing) const {
  std::vector<vlm::Media> pictures;
  for (const judge::Medium& medium : hearing.media) pictures.push_back(medium.media);
  std::vector<vlm::Segment> out = {judge::judge_segment(spec_.tokenizer, spec_.config, pictures, hearing.prompt, judge::AnswerKind::kSoft)};
  for (const std::string& thought : hearing.thoughts) {
    std::string text = judge::completion_text(thought, "");
    text.resize(text.rfind("</answer>"));
    out.push_back({.ids = spec_.tokenizer.encode(text, hf::Specials::kPlain), .media = {}, .parent = 0});
  }
  return out;
}

void Listener::read(const judge::AskForest& forest, std::span<const std::uint64_t> keys) {
  const at::NoGradGuard no_grad;
  const vlm::Packed packed = vlm::pack(spec_.config, forest.segments);
  const at::Tensor hidden_TD = vlm::forward(model_, packed);
  const at::Tensor logits =
      vlm::choice_logits(model_, hidden_TD, at::tensor(forest.rows(packed), at::kLong), std::span(spec_.index_ids).first(2));
  const at::Tensor p = at::softmax(logits, -1).select(1, 0).to(at::kCPU, at::kDouble).contiguous();
  for (std::size_t i = 0; i < keys.size(); ++i) cache_[keys[i]] = p.data_ptr<double>()[i];
}

}  // namespace beholder::train
