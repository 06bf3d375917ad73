#include "train/grpo_eval.h"

#include "core/error.h"
#include "core/interrupt.h"
#include "train/rollout.h"
#include "world/checker.h"

namespace beholder::train {
namespace {

constexpr std::int64_t kEvalBlock = 64;  // items asked about at once

struct Sums {
  double right = 0, brier = 0, parsed = 0, first = 0, tokens = 0, contradicted = 0, heard = 0, true_statements = 0, statements = 0,
         items = 0;
};

void add(const PreferenceItem& item, const judge::Vote& vote, Sums& sums) {
  const judge::Verdict& verdict = vote.verdict;
  const double p = verdict.parsed && vote.p.size() == 2 ? vote.p[0] : 0.5;
  sums.items += 1;
  sums.parsed += verdict.parsed;
  sums.first += verdict.parsed && verdict.choice == 1;
  sums.brier += (p - item.q) * (p - item.q);
  sums.tokens += static_cast<double>(vote.tokens);
  if (verdict.parsed) sums.right += verdict.choice == 0 ? 0.5 : preferred(verdict.choice == 1 ? 1 : 0, item.q);
  if (item.scenes) {
    const world::ThoughtCheck check = world::check_thought(verdict.thought, *item.scenes);
    sums.true_statements += check.true_statements();
    sums.statements += check.statements();
  }
}

}  // namespace

Metrics evaluate_judge(const judge::JudgeSpec& spec, const vlm::Model& model, const PreferenceSource& source, Listener* listener,
                       const EvalOptions& options, dist::ProcessGroup& group) {
  vlm::ModelSampler sampler(model);
  judge::Judge judge(spec, sampler);
  judge::JudgeOptions judging;
  judging.both_orders = false;
  judging.temperature = 0;
  judging.max_completion_length = options.max_completion_length;
  PreferenceMedia media(spec.patches);
  std::optional<PreferenceMedia> listener_media;  // where the listener sees them another way
  if (listener && listener->spec().patches != spec.patches) listener_media.emplace(listener->spec().patches);
  const std::int64_t available = source.epoch_items(), wanted = available > 0 ? std::min(available, options.items) : options.items;
  Sums sums;
  for (std::int64_t begin = group.rank() * kEvalBlock; begin < wanted; begin += group.size() * kEvalBlock) {
    std::vector<PreferenceItem> items;
    std::vector<judge::Question> questions;
    for (std::int64_t i = begin; i < std::min(wanted, begin + kEvalBlock); ++i) {
      items.push_back(source.item(i));
      questions.push_back({.prompt = items.back().prompt, .media = media.load(items.back()), .kind = options.kind});
    }
    const std::int64_t next = begin + group.size() * kEvalBlock;
    for (std::int64_t i = next; available > 0 && i < std::min(wanted, next + kEvalBlock); ++i) media.expect(source.item(i));
    judging.batch_size = std::ssize(questions);
    const std::vector<judge::Answered> answers = judge.ask(questions, judging);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const judge::Vote& vote = answers[i].votes[0];
      add(items[i], vote, sums);
      if (!listener || !vote.verdict.parsed || vote.verdict.choice == 0) continue;
      const std::vector<judge::Medium> seen = listener_media ? listener_media->load(items[i]) : questions[i].media;
      const double l = listener->hear({items[i].prompt, seen, {vote.verdict.thought}})[0];
      sums.heard += 1;
      sums.contradicted += contradicts(vote.verdict, l);
    }
  }
  for (double* sum : {&sums.right, &sums.brier, &sums.parsed, &sums.first, &sums.tokens, &sums.contradicted, &sums.heard,
                      &sums.true_statements, &sums.statements, &sums.items})
    *sum = group.sum(*sum);
  const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
  Metrics out{{"eval_accuracy", share(sums.right, sums.items)},
              {"eval_brier", share(sums.brier, sums.items)},
              {"eval_format", share(sums.parsed, sums.items)},
              {"eval_first", share(sums.first, sums.parsed)},
              {"eval_completion_length", share(sums.tokens, sums.items)}};
  if (listener) out.emplace_back("eval_contradiction", share(sums.contradicted, sums.heard));
  if (sums.statements > 0) out.emplace_back("eval_thought_truth", share(sums.true_statements, sums.statements));
  return out;
}

}  // namespace beholder::train
