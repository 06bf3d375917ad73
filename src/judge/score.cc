#include "judge/score.h"

#include <cmath>
#include <map>

#include "core/error.h"
#include "judge/compare.h"

namespace beholder::judge {
namespace {

ScoredMedium read_one(const Medium& medium, const Answered& answered) {
  ScoredMedium out;
  out.name = medium.name;
  double sum = 0;
  for (const Vote& vote : answered.votes) {
    if (!vote.verdict.parsed) {
      ++out.unparsed;
      continue;
    }
    out.votes.push_back(vote.verdict.scores[0]);
    sum += out.votes.back();
  }
  if (out.votes.empty()) {
    if (!answered.votes.empty()) out.problem = answered.votes[0].verdict.problem;
    return out;
  }
  out.score = sum / static_cast<double>(out.votes.size());
  double nearest = 1e300;
  for (const Vote& vote : answered.votes) {
    if (!vote.verdict.parsed) continue;
    const double distance = std::abs(vote.verdict.scores[0] - *out.score);
    if (distance < nearest) {
      nearest = distance;
      out.thought = vote.verdict.thought;
    }
  }
  return out;
}

// For every medium of the task: which of the asked questions is its own.
std::vector<std::size_t> question_of(const ScoreTask& task) {
  std::map<std::string, std::size_t> seen;
  std::vector<std::size_t> out;
  for (const Medium& medium : task.media) out.push_back(seen.emplace(medium.hash, seen.size()).first->second);
  return out;
}

}  // namespace

std::vector<Question> score_questions(const ScoreTask& task, const JudgeOptions& options) {
  if (task.media.empty()) throw Error(Code::kInvalidInput, "score", "no media", "give at least one image or video");
  std::vector<Question> questions;
  const std::vector<std::size_t> asked = question_of(task);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] != questions.size()) continue;
    questions.push_back({task.prompt, {task.media[i]}, AnswerKind::kScore, static_cast<int>(options.votes)});
  }
  return questions;
}

Scores read_scores(const ScoreTask& task, std::span<const Answered> answers) {
  Scores out;
  out.prompt = task.prompt;
  for (const Answered& answered : answers) out.usage += answered.usage;
  const std::vector<std::size_t> asked = question_of(task);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    require_internal(asked[i] < answers.size(), "one answer per scored medium");
    out.media.push_back(read_one(task.media[i], answers[asked[i]]));
  }
  return out;
}

std::vector<Scores> score(Judge& judge, std::span<const ScoreTask> tasks, const JudgeOptions& options, const JudgeProgress& progress) {
  std::vector<Question> questions;
  std::vector<std::size_t> counts;
  for (const ScoreTask& task : tasks) {
    const std::vector<Question> asked = score_questions(task, options);
    questions.insert(questions.end(), asked.begin(), asked.end());
    counts.push_back(asked.size());
  }
  const std::vector<Answered> answers = judge.ask(questions, options, progress);
  std::vector<Scores> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tasks.size(); begin += counts[i++]) {
    out.push_back(read_scores(tasks[i], std::span(answers).subspan(begin, counts[i])));
  }
  return out;
}

Json to_json(const Scores& scores) {
  Json media = Json::array();
  for (const ScoredMedium& m : scores.media) {
    Json item{{"media", m.name},
              {"score", m.score ? Json(*m.score) : Json()},
              {"votes", m.votes},
              {"unparsed", m.unparsed},
              {"thought", m.thought}};
    if (!m.problem.empty()) item["problem"] = m.problem;
    media.push_back(std::move(item));
  }
  return {{"prompt", scores.prompt},
          {"scores", std::move(media)},
          {"skipped", Json::array()},
          {"tokens", usage_json(scores.usage)},
          {"seconds", scores.usage.seconds}};
}

}  // namespace beholder::judge
