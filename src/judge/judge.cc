#include "judge/judge.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "judge/prompt.h"

namespace beholder::judge {
namespace {

// Names a question by its content, so that the same question draws the same numbers wherever it stands in a run.
std::uint64_t question_key(const Question& question) {
  std::string text = format("{}\n{}", answer_kind_name(question.kind), question.prompt);
  for (const Medium& medium : question.media) text += "\n" + medium.hash;
  return stable_hash(text);
}

vlm::SamplingOptions sampling_options(const JudgeSpec& spec, const JudgeOptions& options, std::span<const Question> batch) {
  vlm::SamplingOptions sampling;
  sampling.temperature = options.sampling_temperature();
  sampling.max_new_tokens = options.max_completion_length;
  sampling.stop_ids = spec.stop_ids;
  sampling.banned_ids = spec.banned_ids;
  sampling.seed = static_cast<std::uint64_t>(options.seed);
  std::size_t widest = 0;
  for (const Question& q : batch) widest = std::max(widest, q.kind == AnswerKind::kSoft ? q.media.size() : 0);
  sampling.watch_ids.assign(spec.index_ids.begin(), spec.index_ids.begin() + static_cast<std::ptrdiff_t>(widest));
  return sampling;
}

std::vector<double> select_probabilities(int choice, int media_count) {
  std::vector<double> p(static_cast<std::size_t>(media_count), 0.0);
  p[static_cast<std::size_t>(choice - 1)] = 1.0;
  return p;
}

}  // namespace

void JudgeOptions::comparison_fields(FieldList& f) {
  f.group("Judging");
  f.add_choice("answer", answer, {"soft", "select", "score"},
               "soft: probability from the answer's token; select: hard choice; score: 0 to 10 each");
  f.add("both_orders", both_orders, "ask every comparison in both orders and average");
  f.add_range("tau", tau, 1e-3, 1e3, "p = softmax(scores / tau) with --answer score");
}

void JudgeOptions::sampling_fields(FieldList& f) {
  f.group("Judging");
  f.add_range("votes", votes, 1, 1024, "sampled thoughts per question");
  f.add_range("temperature", temperature, -1, 10, "sampling temperature; -1: 1 with several votes, 0 (greedy) with one");
  f.add_range("max_completion_length", max_completion_length, 1, 1 << 20, "tokens a thought and its answer may take");
  f.add_range("batch_size", batch_size, 1, 1 << 16, "questions sampled together");
  f.add("seed", seed, "seed of sampling, orders and anchors");
}

void JudgeOptions::check() const {
  if (votes > 1 && temperature == 0) {
    throw Error(Code::kUsage, "--votes", format("{} votes at temperature 0 are the same vote", votes),
                "leave --temperature out, or use --votes 1");
  }
}

Usage& Usage::operator+=(const Usage& other) {
  prompt_tokens += other.prompt_tokens;
  completion_tokens += other.completion_tokens;
  seconds += other.seconds;
  return *this;
}

vlm::Segment Judge::segment(const Question& question) const {
  std::vector<vlm::Media> media;
  for (const Medium& medium : question.media) media.push_back(medium.media);
  return judge_segment(spec_.tokenizer, spec_.config, media, question.prompt, question.kind);
}

void Judge::check_question(const Question& question, const JudgeOptions& options) const {
  check_prompt(question.prompt);
  const std::int64_t tokens = std::ssize(segment(question).ids), room = spec_.config.text.max_position_embeddings;
  if (room > 0 && tokens + options.max_completion_length > room) {
    throw Error(
        Code::kInvalidInput, "question",
        format("{} tokens and {} for the answer are more than the {} the model was made for", tokens, options.max_completion_length, room),
        "use fewer or smaller media at a time (--strategy pairs), a shorter prompt or a smaller --max-completion-length");
  }
}

Vote read_vote(const JudgeSpec& spec, const vlm::Completion& completion, AnswerKind kind, int media_count, double tau) {
  std::span<const std::int64_t> ids = completion.ids;
  if (completion.finished && !ids.empty()) ids = ids.first(ids.size() - 1);
  std::vector<std::string> texts;
  for (const std::int64_t id : ids) texts.push_back(spec.tokenizer.decode(std::span(&id, 1)));

  Vote vote;
  vote.tokens = std::ssize(completion.ids);
  vote.text = spec.tokenizer.decode(ids);
  vote.verdict = parse_completion(texts, kind, media_count);
  vote.verdict.thought = parse_text(vote.text, kind, media_count).thought;  // whole characters, not tokens' bytes
  if (!vote.verdict.parsed) {
    if (!completion.finished) vote.verdict.problem += format(" (cut off after {} tokens)", vote.tokens);
    return vote;
  }
  if (kind != AnswerKind::kScore) vote.drawn = vote.verdict.choice;
  if (kind == AnswerKind::kSelect) vote.p = select_probabilities(vote.verdict.choice, media_count);
  if (kind == AnswerKind::kScore) vote.p = score_probabilities(vote.verdict.scores, tau);
  if (kind == AnswerKind::kSoft) {
    const auto decision = static_cast<std::size_t>(vote.verdict.decision);
    require_internal(decision < completion.watched.size(), "index log-probabilities at the decision");
    vote.p = index_probabilities(completion.watched[decision], media_count);
    vote.verdict.choice = static_cast<int>(std::max_element(vote.p.begin(), vote.p.end()) - vote.p.begin()) + 1;
  }
  return vote;
}

std::vector<Answered> Judge::ask(std::span<const Question> questions, const JudgeOptions& options, const JudgeProgress& progress) {
  options.check();
  std::vector<Answered> answers(questions.size());
  std::int64_t tokens_before = 0;
  const auto batch_size = static_cast<std::size_t>(options.batch_size);
  for (std::size_t begin = 0; begin < questions.size(); begin += batch_size) {
    const auto batch = questions.subspan(begin, std::min(batch_size, questions.size() - begin));
    std::vector<vlm::Request> requests;
    for (const Question& question : batch) {
      check_prompt(question.prompt);
      requests.push_back({segment(question), question.votes, question_key(question)});
    }
    const auto start = std::chrono::steady_clock::now();
    const auto completions = sampler_.sample(requests, sampling_options(spec_, options, batch), [&](std::int64_t tokens) {
      if (progress) progress(static_cast<std::int64_t>(begin), tokens_before + tokens);
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    require_internal(completions.size() == batch.size(), "one group of completions per question");
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Answered& answered = answers[begin + i];
      answered.usage = {std::ssize(requests[i].prompt.ids), 0, seconds / static_cast<double>(batch.size())};
      for (const vlm::Completion& completion : completions[i]) {
        answered.votes.push_back(read_vote(spec_, completion, batch[i].kind, static_cast<int>(batch[i].media.size()), options.tau));
        answered.usage.completion_tokens += answered.votes.back().tokens;
      }
      tokens_before += answered.usage.completion_tokens;
    }
    if (progress) progress(static_cast<std::int64_t>(begin + batch.size()), tokens_before);
  }
  return answers;
}

}  // namespace beholder::judge
