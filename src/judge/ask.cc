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
  std::vector<std::vector<double>> out;
  for (std::size_t next = 0; next < items.size();) {
    AskForest forest;
    const std::size_t begin = next;
    for (; next < items.size(); ++next) {
      AskForest one;
      one.add(ask_segments(spec_, items[next]));
      if (next > begin && forest.tokens() + one.tokens() > max_tokens_) break;
      forest.add(std::move(one.segments));
    }
    const std::vector<double> p = answer(forest);
    auto at = p.begin();
    for (std::size_t i = begin; i < next; ++i) {
      const auto end = at + std::ssize(items[i].questions);
      out.emplace_back(at, end);
      at = end;
    }
    if (done) done(static_cast<std::int64_t>(next));
  }
  return out;
}

}  // namespace beholder::judge
