#include "judge/answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/format.h"

namespace beholder::judge {
namespace {

constexpr std::string_view kThinkOpen = "<think>", kThinkClose = "</think>", kAnswerOpen = "<answer>", kAnswerClose = "</answer>";
constexpr std::string_view kSpaces = " \t\n\r\f\v";

bool blank(std::string_view text) {
  return text.find_first_not_of(kSpaces) == std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string shown(std::string_view text) {
  constexpr std::size_t kLimit = 40;
  return format("{}{}", text.substr(0, kLimit), text.size() > kLimit ? "..." : "");
}

int count_of(std::string_view text, std::string_view tag) {
  int n = 0;
  for (std::size_t at = text.find(tag); at != std::string_view::npos; at = text.find(tag, at + tag.size())) ++n;
  return n;
}

struct Parts {
  std::string_view thought, answer;
  std::size_t answer_begin = 0;  // byte just behind <answer>
  std::string problem;           // empty: well formed
};

// Where the four tags stand; fills what can be told of a broken completion too.
Parts split(std::string_view text) {
  Parts parts;
  std::array<std::size_t, 4> at{};
  const std::array<std::string_view, 4> tags{kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose};
  for (std::size_t i = 0; i < tags.size(); ++i) {
    at[i] = text.find(tags[i]);
    const int n = count_of(text, tags[i]);
    if (n != 1 && parts.problem.empty()) {
      parts.problem = n == 0 ? format("{} is missing", tags[i]) : format("{} appears {} times", tags[i], n);
    }
  }
  constexpr auto npos = std::string_view::npos;
  const std::size_t thought_begin = at[0] == npos ? 0 : at[0] + kThinkOpen.size();
  const std::size_t thought_end = at[1] != npos ? at[1] : at[2] != npos ? at[2] : text.size();
  if (thought_end > thought_begin) parts.thought = trim(text.substr(thought_begin, thought_end - thought_begin));
  if (!parts.problem.empty()) return parts;
  if (!(at[0] < at[1] && at[1] < at[2] && at[2] < at[3])) {
    parts.problem = "the tags are out of order";
    return parts;
  }
  parts.answer_begin = at[2] + kAnswerOpen.size();
  parts.answer = trim(text.substr(parts.answer_begin, at[3] - parts.answer_begin));
  const std::size_t between = at[1] + kThinkClose.size();
  if (!blank(text.substr(0, at[0]))) parts.problem = "there is text before <think>";
  if (!blank(text.substr(between, at[2] - between))) parts.problem = "there is text between </think> and <answer>";
  if (!blank(text.substr(at[3] + kAnswerClose.size()))) parts.problem = "there is text after </answer>";
  return parts;
}

// A plain decimal number in [0, 10]: digits, at most one point. No sign, exponent, "nan".
bool read_score(std::string_view text, double& value) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() && value <= 10.0;
}

// Numbers separated by whitespace or by one comma (with whitespace around it). False when anything else is there.
bool read_scores(std::string_view text, std::vector<double>& scores) {
  bool comma_may_follow = false, number_must_follow = true;
  std::size_t i = 0;
  while (i < text.size()) {
    if (kSpaces.find(text[i]) != std::string_view::npos) {
      ++i;
    } else if (text[i] == ',') {
      if (!comma_may_follow) return false;
      comma_may_follow = false;
      number_must_follow = true;
      ++i;
    } else {
      const std::size_t end = std::min(text.find_first_of(" \t\n\r\f\v,", i), text.size());
      double value = 0;
      if (!read_score(text.substr(i, end - i), value)) return false;
      scores.push_back(value);
      comma_may_follow = true;
      number_must_follow = false;
      i = end;
    }
  }
  return !number_must_follow;
}

void read_index_answer(Verdict& verdict, int media_count) {
  if (verdict.answer.size() == 1 && verdict.answer[0] >= '1' && verdict.answer[0] <= static_cast<char>('0' + media_count)) {
    verdict.choice = verdict.answer[0] - '0';
  } else {
    verdict.problem = verdict.answer.empty() ? "the answer is empty"
                                             : format("the answer \"{}\" is not an index from 1 to {}", shown(verdict.answer), media_count);
  }
}

void read_score_answer(Verdict& verdict, int media_count) {
  std::vector<double> scores;
  if (verdict.answer.empty()) {
    verdict.problem = "the answer is empty";
  } else if (!read_scores(verdict.answer, scores)) {
    verdict.problem = format("the answer \"{}\" is not a list of numbers from 0 to 10", shown(verdict.answer));
  } else if (std::ssize(scores) != media_count) {
    verdict.problem = format("the answer has {} numbers for {} media", scores.size(), media_count);
  } else {
    const auto best = std::max_element(scores.begin(), scores.end());
    if (std::count(scores.begin(), scores.end(), *best) == 1) verdict.choice = static_cast<int>(best - scores.begin()) + 1;
    verdict.scores = std::move(scores);
  }
}

Verdict read(const Parts& parts, AnswerKind kind, int media_count) {
  require_internal(media_count >= 1 && media_count <= kMaxMedia, "media_count of a completion");
  Verdict verdict;
  verdict.thought = parts.thought;
  verdict.answer = parts.answer;
  verdict.problem = parts.problem;
  if (verdict.problem.empty()) (kind == AnswerKind::kScore ? read_score_answer : read_index_answer)(verdict, media_count);
  verdict.parsed = verdict.problem.empty();
  return verdict;
}

// The token in which byte `byte` begins, or -1 when that byte is not the first of its token.
std::int64_t token_starting_at(std::span<const std::string> token_texts, std::size_t byte) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < token_texts.size() && start <= byte; start += token_texts[i++].size()) {
    if (start == byte && !token_texts[i].empty()) return static_cast<std::int64_t>(i);
  }
  return -1;
}

std::vector<double> softmax(std::vector<double> x) {
  const double top = *std::max_element(x.begin(), x.end());
  if (!std::isfinite(top)) return std::vector<double>(x.size(), 1.0 / static_cast<double>(x.size()));  // nothing has any mass
  double sum = 0;
  for (double& v : x) sum += v = std::exp(v - top);
  for (double& v : x) v /= sum;
  return x;
}

}  // namespace

AnswerKind parse_answer_kind(std::string_view name) {
  if (name == "select") return AnswerKind::kSelect;
  if (name == "score") return AnswerKind::kScore;
  if (name == "soft") return AnswerKind::kSoft;
  throw Error(Code::kUsage, "--answer", format("\"{}\" is no answer kind", name), "use soft, select or score");
}

std::string_view answer_kind_name(AnswerKind kind) {
  return kind == AnswerKind::kSelect ? "select" : kind == AnswerKind::kScore ? "score" : "soft";
}

Verdict parse_completion(std::span<const std::string> token_texts, AnswerKind kind, int media_count) {
  std::string text;
  for (const std::string& piece : token_texts) text += piece;
  const Parts parts = split(text);
  Verdict verdict = read(parts, kind, media_count);
  if (!verdict.parsed) return verdict;
  verdict.decision = token_starting_at(token_texts, text.find_first_not_of(kSpaces, parts.answer_begin));
  const bool index_alone = verdict.decision >= 0 && token_texts[static_cast<std::size_t>(verdict.decision)] == verdict.answer;
  if (kind != AnswerKind::kScore && !index_alone) verdict.decision = -1;
  if (kind == AnswerKind::kSoft && verdict.decision < 0) {
    verdict.parsed = false;
    verdict.problem = "the index is not a token of its own";
  }
  return verdict;
}

Verdict parse_text(std::string_view text, AnswerKind kind, int media_count) {
  return read(split(text), kind, media_count);
}

bool parses(std::string_view text, AnswerKind kind, int media_count) {
  return parse_text(text, kind, media_count).parsed;
}

std::string completion_text(std::string_view thought, std::string_view answer) {
  return format("{}{}{}\n{}{}{}", kThinkOpen, thought, kThinkClose, kAnswerOpen, answer, kAnswerClose);
}

std::vector<double> index_probabilities(std::span<const float> watched_logprobs, int media_count) {
  require_internal(media_count >= 1 && std::ssize(watched_logprobs) >= media_count, "watched log-probabilities for every index");
  return softmax({watched_logprobs.begin(), watched_logprobs.begin() + media_count});
}

std::vector<double> score_probabilities(std::span<const double> scores, double tau) {
  require_internal(!scores.empty() && tau > 0, "scores and a temperature above 0");
  std::vector<double> scaled(scores.begin(), scores.end());
  for (double& s : scaled) s /= tau;
  return softmax(std::move(scaled));
}

}  // namespace beholder::judge
