// Yes/no questions about one medium (VisionReward, arXiv 2412.21059, sec. 2.2): the medium is read once, every question is a branch of
// that one prefix (vlm/packed.h), and the answer is P(yes) where the assistant's first word would stand.
//
// P(yes) = sum of the yes tokens' probabilities / sum of the yes and no tokens' probabilities; "yes" and "Yes" both count, as do "no" and
// "No", as far as the tokenizer has them as single tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "judge/judge_model.h"
#include "vlm/packed.h"

namespace beholder::judge {

// The spelling in small letters goes first where there is one: it is the answer that is taught.
struct YesNoTokens {
  std::vector<std::int64_t> yes, no;
};
// kUnsupported, naming `where`, for a tokenizer without a single token for one of them.
YesNoTokens find_yes_no(const hf::Tokenizer& tokenizer, const std::string& where);

struct AskItem {
  vlm::Media medium;
  std::vector<std::string> questions;  // as they are asked, the prompt in its place
};

// The medium with all that stands before a question, then one child per question that ends where the answer would begin.
std::vector<vlm::Segment> ask_segments(const JudgeSpec& spec, const AskItem& item);

// Several items in one packed call.
struct AskForest {
  std::vector<vlm::Segment> segments;
  std::vector<int> leaves;        // the segments whose end decides, item by item
  std::int64_t longest_path = 0;  // tokens that one answer sees

  void add(std::vector<vlm::Segment> item);
  std::int64_t tokens() const;
  // Rows of hidden states that the answers are read from, in the order of `leaves`.
  std::vector<std::int64_t> rows(const vlm::Packed& packed) const;
};

// [leaves] P(yes), float32; differentiable.
at::Tensor yes_probabilities(const vlm::Model& model, const YesNoTokens& tokens, const at::Tensor& hidden_TD,
                             std::span<const std::int64_t> rows);

// One thread at a time; `spec` and `model` must outlive it.
class Asker {
 public:
  // `max_tokens`: of one packed call; an item that alone has more is asked by itself, its questions in several calls, each of which reads
  // the medium again. `where` names the checkpoint in errors.
  Asker(const JudgeSpec& spec, const vlm::Model& model, const std::string& where, std::int64_t max_tokens = 16384);

  // Tokens the item takes. kInvalidInput when a question does not fit the model's context.
  std::int64_t check(const AskItem& item) const;
  // P(yes) per item and question. `done`: items so far; may throw to cancel. kInvalidInput when the model's scores are not numbers.
  std::vector<std::vector<double>> ask(std::span<const AskItem> items, const std::function<void(std::int64_t)>& done = {}) const;

  std::int64_t max_tokens() const { return max_tokens_; }

 private:
  std::vector<double> answer(const AskForest& forest) const;

  const JudgeSpec& spec_;
  const vlm::Model& model_;
  YesNoTokens tokens_;
  std::string where_;
  std::int64_t max_tokens_;
};

}  // namespace beholder::judge
