#include "train/listener.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/error.h"
#include "core/rng.h"
#include "judge/prompt.h"
#include "vlm/packed.h"

namespace beholder::train {
namespace {

constexpr std::size_t kCacheLimit = 1 << 18;  // thoughts; a few MB

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

std::vector<double> Listener::hear(const std::string& prompt, std::span<const judge::Medium> media, std::span<const std::string> thoughts) {
  require_internal(media.size() == 2, "a listener hears about two media");
  const std::uint64_t question = mix_keys(stable_hash(prompt), stable_hash(media[0].hash), stable_hash(media[1].hash));
  std::vector<std::uint64_t> keys;
  std::vector<std::string> unread;
  std::vector<std::uint64_t> unread_keys;
  for (const std::string& thought : thoughts) {
    keys.push_back(mix_keys(question, stable_hash(thought)));
    if (cache_.contains(keys.back()) || std::find(unread_keys.begin(), unread_keys.end(), keys.back()) != unread_keys.end()) continue;
    unread.push_back(redact_ ? redact_verdict(thought) : thought);
    unread_keys.push_back(keys.back());
  }
  if (cache_.size() > kCacheLimit) {
    std::unordered_map<std::uint64_t, double> kept;
    for (const std::uint64_t key : keys)
      if (const auto found = cache_.find(key); found != cache_.end()) kept.insert(*found);
    cache_ = std::move(kept);
  }
  if (!unread.empty()) {
    const std::vector<double> p = read(prompt, media, unread);
    for (std::size_t i = 0; i < unread.size(); ++i) cache_[unread_keys[i]] = p[i];
  }
  std::vector<double> out;
  for (const std::uint64_t key : keys) out.push_back(cache_.at(key));
  return out;
}

std::vector<double> Listener::read(const std::string& prompt, std::span<const judge::Medium> media,
                                   std::span<const std::string> thoughts) const {
  const at::NoGradGuard no_grad;
  std::vector<vlm::Media> pictures;
  for (const judge::Medium& medium : media) pictures.push_back(medium.media);
  std::vector<vlm::Segment> segments = {judge::judge_segment(spec_.tokenizer, spec_.config, pictures, prompt, judge::AnswerKind::kSoft)};
  for (const std::string& thought : thoughts) {
    std::string text = judge::completion_text(thought, "");
    text.resize(text.rfind("</answer>"));
    segments.push_back({.ids = spec_.tokenizer.encode(text, hf::Specials::kPlain), .media = {}, .parent = 0});
  }
  const vlm::Packed packed = vlm::pack(spec_.config, segments);
  std::vector<std::int64_t> rows;
  for (std::size_t s = 1; s < segments.size(); ++s) rows.push_back(packed.spans[s].begin + packed.spans[s].length - 1);
  const at::Tensor hidden = vlm::forward(model_, packed);
  const at::Tensor logits = vlm::choice_logits(model_, hidden, at::tensor(rows, at::kLong), std::span(spec_.index_ids).first(2));
  const at::Tensor p = at::softmax(logits, -1).select(1, 0).to(at::kCPU, at::kDouble).contiguous();
  return {p.data_ptr<double>(), p.data_ptr<double>() + p.size(0)};
}

}  // namespace beholder::train
