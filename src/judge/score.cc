#include "judge/score.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "judge/compare.h"

namespace beholder::judge {
namespace {

ScoredMedium read_one(const Answered& answered) {
  ScoredMedium out;
  out.usage = answered.usage;
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

using ByContent = std::map<std::string, ScoredMedium>;  // by Medium::hash

ByContent known_contents(const ScoreTask& task) {
  ByContent out;
  for (std::size_t i = 0; i < std::min(task.media.size(), task.known.size()); ++i)
    if (task.known[i]) out.emplace(task.media[i].hash, *task.known[i]);
  return out;
}

// The first medium of every content that nothing is known of: one question each.
std::vector<const Medium*> asked_media(const ScoreTask& task, const ByContent& known) {
  std::vector<const Medium*> out;
  for (const Medium& medium : task.media) {
    const auto same = [&](const Medium* other) { return other->hash == medium.hash; };
    if (!known.contains(medium.hash) && std::none_of(out.begin(), out.end(), same)) out.push_back(&medium);
  }
  return out;
}

}  // namespace

std::vector<Question> score_questions(const ScoreTask& task, const JudgeOptions& options) {
  if (task.media.empty()) throw Error(Code::kInvalidInput, "score", "no media", "give at least one image or video");
  std::vector<Question> questions;
  for (const Medium* medium : asked_media(task, known_contents(task)))
    questions.push_back({task.prompt, {*medium}, AnswerKind::kScore, static_cast<int>(options.votes)});
  return questions;
}

Scores read_scores(const ScoreTask& task, std::span<const Answered> answers) {
  ByContent contents = known_contents(task);
  const std::vector<const Medium*> asked = asked_media(task, contents);
  require_internal(asked.size() == answers.size(), "one answer per scored medium");
  for (std::size_t i = 0; i < asked.size(); ++i) contents.emplace(asked[i]->hash, read_one(answers[i]));
  Scores out;
  out.prompt = task.prompt;
  for (const auto& [hash, scored] : contents) out.usage += scored.usage;
  for (const Medium& medium : task.media) {
    out.media.push_back(contents.at(medium.hash));
    out.media.back().name = medium.name;
    out.media.back().hash = medium.hash;
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
