// How well a model answers yes/no questions whose answers are known.
#pragma once

#include <cstdint>
#include <functional>

#include "core/json.h"
#include "dist/process_group.h"
#include "train/run_log.h"
#include "train/taught_source.h"
#include "vlm/model.h"

namespace beholder::train {

struct ChecklistEval {
  // eval_balanced_accuracy: mean over the questions of (share of yes answered with yes + share of no answered with no) / 2, of those that
  // have both; eval_worst_question: the lowest of them; eval_accuracy: share of all answers; eval_loss: mean of -log p(known answer), p
  // between yes and no.
  Metrics metrics;
  Json questions;  // [{"question", "yes", "no", "recall_yes", "recall_no", "balanced_accuracy", "interval"}], null where there is none
  std::int64_t skipped = 0;  // items that could not be used
};

// The first `items` of the source (all, where it has fewer), with all their answers. `done` gets how many are through, now and then; it may
// throw. kInvalidInput when none can be used. The ranks of a group share the items, and all get the result.
ChecklistEval evaluate_checklist(const judge::JudgeSpec& spec, const vlm::Model& model, const TaughtSource& source, std::int64_t items,
                                 const std::function<void(std::int64_t)>& done = {}, dist::ProcessGroup& group = dist::alone());

}  // namespace beholder::train
