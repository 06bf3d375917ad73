// Asking: questions in, votes out. Every comparison, ranking and score of this room is a list of questions put to one
// `Judge`, which samples them in batches; an answer depends only on (seed, question, vote), never on its batch mates.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "judge/answer.h"
#include "judge/judge_model.h"
#include "vlm/generate.h"

namespace beholder::judge {

// A prepared image or video. Copies share the pixels.
struct Medium {
  std::string name;  // as the user named it
  std::string hash;  // of the decoded content: equal hashes are the same picture
  vlm::Media media;
};

struct JudgeOptions {
  std::string answer = "soft";
  std::int64_t votes = 1;                    // sampled thoughts per order
  bool both_orders = true;                   // every comparison also with the media swapped
  double temperature = -1;                   // below 0: 1 with several votes, greedy with one
  double tau = 1;                            // of p = softmax(scores / tau)
  std::int64_t max_completion_length = 512;  // tokens
  std::int64_t seed = 0;
  std::int64_t batch_size = 16;  // questions sampled together

  void sampling_fields(FieldList& f);    // votes, temperature, lengths, seed
  void comparison_fields(FieldList& f);  // answer kind, orders, tau: for commands that compare
  AnswerKind kind() const { return parse_answer_kind(answer); }
  double sampling_temperature() const { return temperature >= 0 ? temperature : votes > 1 ? 1.0 : 0.0; }
  void check() const;  // kUsage for settings that contradict each other
};

struct Question {
  std::string prompt;
  std::vector<Medium> media;  // K, in the order the judge sees them
  AnswerKind kind = AnswerKind::kSoft;
  int votes = 1;
};

struct Vote {
  Verdict verdict;
  std::vector<double> p;    // K, sums to 1: probability that each medium is the best; empty when not parsed.
                            // K = 1: {1}
  int drawn = 0;            // 1..K: the index that was sampled (the verdict's choice is the likelier one with soft answers); 0: no index
  std::string text;         // the completion, without the stop token
  std::int64_t tokens = 0;  // with the stop token
};

struct Usage {
  std::int64_t prompt_tokens = 0;  // a shared prompt counts once per question
  std::int64_t completion_tokens = 0;
  double seconds = 0;  // this question's share of its batch's time
  Usage& operator+=(const Usage& other);
};

struct Answered {
  std::vector<Vote> votes;
  Usage usage;
};

// What a completion says about `media_count` media. Soft answers need log-probabilities of that many index tokens in `watched`.
// `tau`: of scores, p = softmax(scores / tau).
Vote read_vote(const JudgeSpec& spec, const vlm::Completion& completion, AnswerKind kind, int media_count, double tau = 1);

// (questions answered so far, tokens sampled so far); may throw to cancel.
using JudgeProgress = std::function<void(std::int64_t questions, std::int64_t tokens)>;

// One thread at a time; `spec` and `sampler` must outlive it.
class Judge {
 public:
  Judge(const JudgeSpec& spec, vlm::Sampler& sampler) : spec_(spec), sampler_(sampler) {}

  // In the order of `questions`. kInvalidInput for a question that `check_question` refuses.
  std::vector<Answered> ask(std::span<const Question> questions, const JudgeOptions& options, const JudgeProgress& progress = {});

  // kInvalidInput when the prompt is empty or too long, the media are mixed, or the context does not fit the model.
  void check_question(const Question& question, const JudgeOptions& options) const;

  const JudgeSpec& spec() const { return spec_; }

 private:
  vlm::Segment segment(const Question& question) const;

  const JudgeSpec& spec_;
  vlm::Sampler& sampler_;
};

}  // namespace beholder::judge
