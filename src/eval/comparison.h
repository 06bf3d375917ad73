// What the finished runs of an experiment say: every arm's metrics, pooled over its seeds, with intervals over prompts, and the
// paired difference to the first arm.
#pragma once

#include <string>

#include "core/json.h"
#include "eval/experiment.h"

namespace beholder::eval {

// {"title", "splits":[…], "arms":[{"name","note","against":arm|null,"seeds":[…],"unfinished":n,"step_time":seconds,
//    "splits":{split:{"items":n, metric:{"value","interval":[lo,hi],"by_seed":[…],"difference","difference_interval","gap_closed",
//                     "against","against_interval"}, "ece", "by_listener"}}}]}
// Metrics are those of the rows that `world eval` writes. An item's part in an arm is the sum over the arm's seeds, so an interval
// is over prompts; by_seed shows how much the seeds differ. "difference" is to the first arm, "against" to the arm that the recipe sets
// it against. "ece" and "by_listener": eval/arm_rows.h. "gap_closed" (of verdict_accuracy): (arm - first arm) / (Bayes - first arm).
// Runs whose rows are not there are counted as unfinished. kCorrupt for rows of other items than the first arm's.
Json compare_arms(const Experiment& experiment);

// A table of one split for the terminal.
std::string comparison_text(const Json& comparison, const std::string& split);

}  // namespace beholder::eval
