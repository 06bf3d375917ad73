#include "judge/compare.h"

#include <cmath>

#include "core/error.h"

namespace beholder::judge {
namespace {

// A vote on (shown first, shown second), turned to the task's numbering.
ComparisonVote turn(const Vote& vote, bool swapped) {
  ComparisonVote out;
  out.swapped = swapped;
  out.parsed = vote.verdict.parsed;
  out.thought = vote.verdict.thought;
  out.problem = vote.verdict.problem;
  out.text = vote.text;
  if (!out.parsed) return out;
  const int shown_choice = vote.verdict.choice;
  out.choice = shown_choice == 0 ? 0 : swapped ? 3 - shown_choice : shown_choice;
  out.p = vote.p[swapped ? 1 : 0];
  out.scores = vote.verdict.scores;
  if (swapped && out.scores.size() == 2) std::swap(out.scores[0], out.scores[1]);
  return out;
}

// p(first is preferred) from the votes of one order; empty when none was parsed.
std::optional<double> order_probability(std::span<const ComparisonVote> votes, bool swapped, const JudgeOptions& options) {
  const bool mean_of_p = options.kind() == AnswerKind::kSoft || (options.kind() == AnswerKind::kScore && options.votes == 1);
  double sum = 0;
  int n = 0;
  for (const ComparisonVote& vote : votes) {
    if (!vote.parsed || vote.swapped != swapped) continue;
    sum += mean_of_p ? vote.p : vote.choice == 0 ? 0.5 : vote.choice == 1 ? 1.0 : 0.0;
    ++n;
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

}  // namespace

const ComparisonVote* Comparison::best_vote(int which) const {
  const ComparisonVote* best = nullptr;
  for (const ComparisonVote& vote : votes) {
    if (!vote.parsed || vote.choice != which) continue;
    if (!best || std::abs(vote.p - 0.5) > std::abs(best->p - 0.5)) best = &vote;
  }
  return best;
}

std::vector<Question> compare_questions(const CompareTask& task, const JudgeOptions& options) {
  const int votes = static_cast<int>(options.votes);
  std::vector<Question> questions{{task.prompt, {task.first, task.second}, options.kind(), votes}};
  if (options.both_orders) questions.push_back({task.prompt, {task.second, task.first}, options.kind(), votes});
  return questions;
}

Comparison read_comparison(const CompareTask& task, std::span<const Answered> answers, const JudgeOptions& options) {
  require_internal(answers.size() == (options.both_orders ? 2U : 1U), "one answer per order");
  Comparison out;
  out.prompt = task.prompt;
  out.names[0] = task.first.name;
  out.names[1] = task.second.name;
  for (std::size_t order = 0; order < answers.size(); ++order) {
    for (const Vote& vote : answers[order].votes) {
      out.votes.push_back(turn(vote, order == 1));
      if (!vote.verdict.parsed) ++out.unparsed;
    }
    out.usage += answers[order].usage;
  }
  const auto straight = order_probability(out.votes, false, options);
  const auto swapped = order_probability(out.votes, true, options);
  if (straight && swapped) {
    out.p = (*straight + *swapped) / 2;
    out.consistent = (*straight > 0.5) == (*swapped > 0.5) && (*straight < 0.5) == (*swapped < 0.5);
  } else {
    out.p = straight.value_or(swapped.value_or(0.5));
  }
  out.choice = out.p >= 0.5 ? 1 : 2;
  return out;
}

std::vector<Comparison> compare(Judge& judge, std::span<const CompareTask> tasks, const JudgeOptions& options,
                                const JudgeProgress& progress) {
  std::vector<Question> questions;
  for (const CompareTask& task : tasks) {
    for (Question& question : compare_questions(task, options)) questions.push_back(std::move(question));
  }
  const std::vector<Answered> answers = judge.ask(questions, options, progress);
  const std::size_t orders = options.both_orders ? 2 : 1;
  std::vector<Comparison> out;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    out.push_back(read_comparison(tasks[i], std::span(answers).subspan(i * orders, orders), options));
  }
  return out;
}

Json usage_json(const Usage& usage) {
  return {{"prompt", usage.prompt_tokens}, {"completion", usage.completion_tokens}};
}

Json to_json(const Comparison& comparison) {
  Json votes = Json::array();
  for (const ComparisonVote& vote : comparison.votes) {
    Json item{{"order", vote.swapped ? "21" : "12"},
              {"choice", nullptr},
              {"probability", nullptr},
              {"thought", vote.thought},
              {"parsed", vote.parsed}};
    if (vote.parsed) {
      if (vote.choice != 0) item["choice"] = vote.choice;
      item["probability"] = vote.p;
      if (!vote.scores.empty()) item["scores"] = vote.scores;
    } else {
      item["problem"] = vote.problem;
      item["completion"] = vote.text;
    }
    votes.push_back(std::move(item));
  }
  return {{"prompt", comparison.prompt},
          {"media", {comparison.names[0], comparison.names[1]}},
          {"choice", comparison.choice},
          {"probability", comparison.p},
          {"consistent", comparison.consistent ? Json(*comparison.consistent) : Json()},
          {"tie", comparison.tie()},
          {"unparsed", comparison.unparsed},
          {"votes", std::move(votes)},
          {"tokens", usage_json(comparison.usage)},
          {"seconds", comparison.usage.seconds}};
}

}  // namespace beholder::judge
