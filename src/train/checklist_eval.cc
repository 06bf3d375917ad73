#include "train/checklist_eval.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/share.h"

namespace beholder::train {
namespace {

constexpr std::int64_t kEvalItems = 32;  // items in memory at once

struct Answers {
  double asked = 0, right = 0;
  Json recall() const { return asked > 0 ? Json(right / asked) : Json(); }
};
struct QuestionTally {
  Answers yes, no;
  bool both() const { return yes.asked > 0 && no.asked > 0; }
  double balanced() const { return (yes.right / yes.asked + no.right / no.asked) / 2; }
  Json interval() const {
    const auto [low, high] = mean_share_interval(yes.right / yes.asked, yes.asked, no.right / no.asked, no.asked);
    return {low, high};
  }
};

Json to_json(const std::string& text, const QuestionTally& q) {
  return {{"question", text},
          {"yes", q.yes.asked},
          {"no", q.no.asked},
          {"recall_yes", q.yes.recall()},
          {"recall_no", q.no.recall()},
          {"balanced_accuracy", q.both() ? Json(q.balanced()) : Json()},
          {"interval", q.both() ? q.interval() : Json()}};
}

void sum_over_ranks(dist::ProcessGroup& group, std::vector<QuestionTally>& questions) {
  std::vector<double> counts;
  for (const QuestionTally& q : questions) counts.insert(counts.end(), {q.yes.asked, q.yes.right, q.no.asked, q.no.right});
  at::Tensor all = at::from_blob(counts.data(), {std::ssize(counts)}, at::kDouble);
  group.sum(all);
  for (std::size_t q = 0; q < questions.size(); ++q)
    questions[q] = {.yes = {counts[4 * q], counts[4 * q + 1]}, .no = {counts[4 * q + 2], counts[4 * q + 3]}};
}

Metrics metrics_of(const std::vector<QuestionTally>& questions, double loss) {
  double sum = 0, worst = 1, counted = 0, right = 0, asked = 0;
  for (const QuestionTally& q : questions) {
    right += q.yes.right + q.no.right;
    asked += q.yes.asked + q.no.asked;
    if (!q.both()) continue;
    sum += q.balanced();
    worst = std::min(worst, q.balanced());
    counted += 1;
  }
  return {{"eval_balanced_accuracy", counted > 0 ? sum / counted : NAN},
          {"eval_worst_question", counted > 0 ? worst : NAN},
          {"eval_accuracy", right / asked},
          {"eval_loss", loss / asked},
          {"eval_questions", counted}};
}

}  // namespace

ChecklistEval evaluate_checklist(const judge::JudgeSpec& spec, const vlm::Model& model, const TaughtSource& source, std::int64_t items,
                                 const std::function<void(std::int64_t)>& done, dist::ProcessGroup& group) {
  const judge::Asker asker(spec, model, "evaluation");
  const std::int64_t wanted = source.items() > 0 ? std::min(source.items(), items) : items;
  ChecklistEval out;
  std::vector<QuestionTally> questions(source.questions().size());
  double loss = 0, asked = 0;
  for (std::int64_t begin = group.rank() * kEvalItems; begin < wanted; begin += group.size() * kEvalItems) {
    std::vector<judge::AskItem> block;
    std::vector<std::vector<Known>> known;
    for (std::int64_t i = begin; i < std::min(wanted, begin + kEvalItems); ++i) {
      TaughtItem item = source.whole(i);
      if (!item.problem.empty()) {
        ++out.skipped;
        continue;
      }
      block.push_back(std::move(item.asked));
      known.push_back(std::move(item.known));
    }
    const std::vector<std::vector<double>> p = asker.ask(block);
    for (std::size_t i = 0; i < block.size(); ++i)
      for (std::size_t k = 0; k < known[i].size(); ++k) {
        const bool yes = known[i][k].yes;
        Answers& answers = yes ? questions[known[i][k].question].yes : questions[known[i][k].question].no;
        answers.asked += 1;
        answers.right += (p[i][k] > 0.5) == yes;
        loss -= std::log(std::max(yes ? p[i][k] : 1 - p[i][k], 1e-12));
        asked += 1;
      }
    if (done) done(std::min(wanted, begin + kEvalItems));
  }
  sum_over_ranks(group, questions);
  loss = group.sum(loss), asked = group.sum(asked), out.skipped = group.sum(out.skipped);
  if (asked == 0) throw Error(Code::kInvalidInput, "eval_data", "no validation item can be used", "mend its media and answers");
  out.metrics = metrics_of(questions, loss);
  out.questions = Json::array();
  for (std::size_t q = 0; q < questions.size(); ++q) out.questions.push_back(to_json(source.questions()[q], questions[q]));
  return out;
}

}  // namespace beholder::train
