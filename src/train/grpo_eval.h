// How good a judge is on held-out preferences while it trains: greedy, one order, the first `n` items of a source.
#pragma once

#include <cstdint>

#include "dist/process_group.h"
#include "judge/judge.h"
#include "train/listener.h"
#include "train/preference.h"
#include "train/run_log.h"

namespace beholder::train {

struct EvalOptions {
  judge::AnswerKind kind = judge::AnswerKind::kSoft;
  std::int64_t items = 256, max_completion_length = 512;
};

// eval_accuracy: the choice agrees with the majority (half for a tie or equal scores; not parsed: wrong). eval_brier: mean of (p - q)^2,
// 0.25 + where not parsed: p = 1/2. eval_format: share that parses. eval_first: share of choices that name the first medium.
// eval_completion_length: tokens. With a listener: eval_contradiction, of the parsed. In the embedded world: eval_thought_truth.
// Blocks of items are dealt to the ranks.
Metrics evaluate_judge(const judge::JudgeSpec& spec, const vlm::Model& model, const PreferenceSource& source, Listener* listener,
                       const EvalOptions& options, dist::ProcessGroup& group = dist::alone());

}  // namespace beholder::train
