// The answer side of the judge: what a completion must look like, what it says, and which of its tokens decided.
//
// A completion is "<think> … </think> <answer> … </answer>" with exactly one of each tag and nothing but whitespace around
// them. A completion that breaks this is an ordinary value (`parsed` false, with the reason), never an error: it is counted.
// All functions are pure; any thread may call them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::judge {

inline constexpr int kMaxMedia = 9;  // an index is one digit

enum class AnswerKind {
  kSelect,  // the index of the best medium; read as a hard choice
  kScore,   // one number from 0 to 10 per medium
  kSoft,    // the index; read as the distribution over the index tokens where it stands
};
AnswerKind parse_answer_kind(std::string_view name);  // "select" "score" "soft"; kUsage
std::string_view answer_kind_name(AnswerKind kind);

struct Verdict {
  bool parsed = false;
  std::string problem;         // why not, when `parsed` is false
  std::string thought;         // what stands inside <think>, trimmed; as far as it can be told when not parsed
  std::string answer;          // what stands inside <answer>, trimmed
  int choice = 0;              // 1..K; for scores the highest one, 0 where the highest is shared
  std::vector<double> scores;  // K numbers in [0, 10]; kScore only
  std::int64_t decision = -1;  // position of the token that holds the (first) answer, -1 when it has no token of its own
};

// Reads a completion given as the texts of its tokens, in order, without the stop token. kSoft also needs the index to be
// a token of its own: its logits are what is read.
Verdict parse_completion(std::span<const std::string> token_texts, AnswerKind kind, int media_count);
// The same for plain text (one piece); `decision` stays -1 and kSoft is read like kSelect.
Verdict parse_text(std::string_view text, AnswerKind kind, int media_count);
// The format reward's question.
bool parses(std::string_view text, AnswerKind kind, int media_count);

// The text of a well-formed completion: "<think>{thought}</think>\n<answer>{answer}</answer>". Target of supervised training.
std::string completion_text(std::string_view thought, std::string_view answer);

// p_i = softmax over the first K of the index tokens' log-probabilities.
std::vector<double> index_probabilities(std::span<const float> watched_logprobs, int media_count);
// p_i = softmax(s_i / tau); for two media p_1 = sigmoid((s_1 - s_2) / tau).
std::vector<double> score_probabilities(std::span<const double> scores, double tau);

}  // namespace beholder::judge
