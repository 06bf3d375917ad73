#include "judge/ask.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "hf/chat.h"
#include "vlm/media_input.h"

namespace beholder::judge {
namespace {

constexpr const char* kAskSystem = "Answer each question about generated media with yes or no.";

std::vector<std::int64_t> single_tokens(const hf::Tokenizer& tokenizer, std::initializer_list<const char*> words,
                                        const std::string& where) {
  std::vector<std::int64_t> ids;
  for (const char* word : words)
    if (const auto tokens = tokenizer.encode(word, hf::Specials::kPlain); tokens.size() == 1) ids.push_back(tokens[0]);
  if (ids.empty())
    throw Error(Code::kUnsupported, where,
                format("the tokenizer has no single token for \"{}\", which answers are read from", *words.begin()),
                "use a checkpoint that has one: Qwen2-VL's and Qwen2.5-VL's have, and so has what `train checklist` makes of any other");
  return ids;
}

// The chat about one question as tokens, up to where the answer begins.
std::vector<std::int64_t> render(const JudgeSpec& spec, const hf::ChatPart& medium, const std::string& question) {
  const std::vector<hf::ChatMessage> messages = {
      {"system", {{hf::ChatPart::Kind::kText, kAskSystem, 0}}},
      {"user", {medium, {hf::ChatPart::Kind::kText, "\n" + question, 0}}},
  };
  return hf::render_chat(spec.tokenizer, spec.config, messages);
}

// A control token stands between medium and question, so what comes behind it does not depend on what comes before. (A question's text
// cannot hold one.)
std::ptrdiff_t question_begin(const JudgeSpec& spec, const std::vector<std::int64_t>& ids) {
  const auto end = std::find(ids.rbegin(), ids.rend(), spec.config.vision_end_token_id);
  require_internal(end != ids.rend(), "a medium ends with its control token");
  return ids.rend() - end;
}

// An item in parts that hold the prefix and some of its questions: as many as make `max_tokens` with it, or, where the prefix leaves less
// room than half of that, as many as make that half; at least one.
std::vector<std::vector<vlm::Segment>> parts_of(std::vector<vlm::Segment> item, std::int64_t max_tokens) {
  const std::int64_t room = std::max(max_tokens - std::ssize(item[0].ids), max_tokens / 2);
  std::vector<std::vector<vlm::Segment>> parts;
  std::int64_t used = 0;
  for (std::size_t q = 1; q < item.size(); ++q) {
    const std::int64_t tokens = std::ssize(item[q].ids);
    if (parts.empty() || used + tokens > room) {
      parts.push_back({item[0]});
      used = 0;
    }
    used += tokens;
    parts.back().push_back(std::move(item[q]));
  }
  return parts;
}

}  // namespace

YesNoTokens find_yes_no(const hf::Tokenizer& tokenizer, const std::string& where) {
  return {single_tokens(tokenizer, {"yes", "Yes"}, where), single_tokens(tokenizer, {"no", "No"}, where)};
}

std::vector<vlm::Segment> ask_segments(const JudgeSpec& spec, const AskItem& item) {
  if (item.questions.empty()) throw Error(Code::kInvalidInput, "questions", "there are none", "ask at least one");
  const hf::ChatPart medium = vlm::chat_part(item.medium, spec.config.vision.spatial_merge_size);
  std::vector<vlm::Segment> segments(1);
  segments[0].ids = render(spec, medium, item.questions[0]);
  segments[0].ids.resize(static_cast<std::size_t>(question_begin(spec, segments[0].ids)));
  segments[0].media = {item.medium};
  const hf::ChatPart stand_in{hf::ChatPart::Kind::kImage, {}, 1};
  for (const std::string& question : item.questions) {
    const std::vector<std::int64_t> ids = render(spec, stand_in, question);
    segments.push_back({.ids = {ids.begin() + question_begin(spec, ids), ids.end()}, .media = {}, .parent = 0});
  }
  return segments;
}

void AskForest::add(std::vector<vlm::Segment> item) {
  const int root = static_cast<int>(segments.size());
  const std::int64_t prefix = std::ssize(item.at(0).ids);
  for (vlm::Segment& segment : item) {
    if (segment.parent >= 0) {
      segment.parent += root;
      leaves.push_back(static_cast<int>(segments.size()));
      longest_path = std::max(longest_path, prefix + std::ssize(segment.ids));
    }
    segments.push_back(std::move(segment));
  }
}

std::int64_t AskForest::tokens() const {
  std::int64_t sum = 0;
  for (const vlm::Segment& segment : segments) sum += std::ssize(segment.ids);
  return sum;
}

std::vector<std::int64_t> AskForest::rows(const vlm::Packed& packed) const {
  std::vector<std::int64_t> out;
  for (const int leaf : leaves) {
    const vlm::Span& span = packed.spans[static_cast<std::size_t>(leaf)];
    out.push_back(span.begin + span.length - 1);
  }
  return out;
}

at::Tensor yes_probabilities(const vlm::Model& model, const YesNoTokens& tokens, const at::Tensor& hidden_TD,
                             std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> ids = tokens.yes;
  ids.insert(ids.end(), tokens.no.begin(), tokens.no.end());
  const at::Tensor where = at::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()), at::kLong);
  return at::softmax(vlm::choice_logits(model, hidden_TD, where, ids), -1).narrow(1, 0, std::ssize(tokens.yes)).sum(1);
}

Asker::Asker(const JudgeSpec& spec, const vlm::Model& model, const std::string& where, std::int64_t max_tokens)
    : spec_(spec), model_(model), tokens_(find_yes_no(spec.tokenizer, where)), where_(where), max_tokens_(max_tokens) {}

std::int64_t Asker::check(const AskItem& item) const {
  AskForest forest;
  forest.add(ask_segments(spec_, item));
  if (const std::int64_t room = spec_.config.text.max_position_embeddings; room > 0 && forest.longest_path > room)
    throw Error(Code::kInvalidInput, "question",
                format("{} tokens with its medium are more than the {} the model was made for", forest.longest_path, room),
                "give a smaller --max-pixels, fewer --max-frames or a shorter prompt");
  return forest.tokens();
}

std::vector<double> Asker::answer(const AskForest& forest) const {
  const at::NoGradGuard no_grad;
  const vlm::Packed packed = vlm::pack(spec_.config, forest.segments);
  const at::Tensor p =
      yes_probabilities(model_, tokens_, vlm::forward(model_, packed), forest.rows(packed)).to(at::kCPU, at::kDouble).contiguous();
  std::vector<double> out(p.data_ptr<double>(), p.data_ptr<double>() + p.size(0));
  if (!std::all_of(out.begin(), out.end(), [](double v) { return std::isfinite(v); }))
    throw Error(Code::kInvalidInput, where_, "the model's scores are not numbers",
                "its weights are damaged, or --dtype is too small for them");
  return out;
}

std::vector<std::vector<double>> Asker::ask(std::span<const AskItem> items, const std::function<void(std::int64_t)>& done) const {
  std::vector<std::vector<double>> out(items.size());
  AskForest forest;
  std::vector<std::size_t> item_of_leaf;
  std::size_t whole = 0, told = 0;  // items all of whose questions are in a forest; that were told of
  const auto flush = [&] {
    const std::vector<double> p = answer(forest);
    for (std::size_t k = 0; k < p.size(); ++k) out[item_of_leaf[k]].push_back(p[k]);
    forest = {};
    item_of_leaf.clear();
    if (done && whole > told) done(static_cast<std::int64_t>(told = whole));
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::vector<vlm::Segment>& part : parts_of(ask_segments(spec_, items[i]), max_tokens_)) {
      AskForest one;
      one.add(std::move(part));
      if (!forest.leaves.empty() && forest.tokens() + one.tokens() > max_tokens_) flush();
      item_of_leaf.insert(item_of_leaf.end(), one.leaves.size(), i);
      forest.add(std::move(one.segments));
    }
    whole = i + 1;
  }
  if (!forest.leaves.empty()) flush();
  return out;
}

}  // namespace beholder::judge
