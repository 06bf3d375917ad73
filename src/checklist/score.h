// The score of a checklist: weights times answers (VisionReward, arXiv 2412.21059, eq. 1, in the released code's conventions). An
// answer's value is +1 for yes and -1 for no (`kHard`) or 2 P(yes) - 1 (`kSoft`), 0 where it does not count; the alignment score is itself.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "checklist/answers.h"
#include "checklist/checklist.h"
#include "checklist/weights.h"
#include "core/json.h"

namespace beholder::checklist {

enum class Coding { kHard, kSoft };

// Per feature of the list, whether its answer counts: not where its own mask or a presence question switches it off.
std::vector<bool> counting(const Checklist& list, const AnswerSheet& sheet);

// One value per feature of the list. Yes means P(yes) > 1/2.
std::vector<double> values_of(const Checklist& list, const AnswerSheet& sheet, Coding coding);

// dot(coef, values) + intercept, or the mean of weight x value for weights that are a bare list.
double score(const Weights& weights, std::span<const double> values);

// What speaks for the first: sum of coef x (first - second). The first is chosen where this is > 0; a tie goes to the second, as in the
// released code.
double difference(const Weights& weights, std::span<const double> first, std::span<const double> second);

// As NumPy adds up to 128 numbers (eight running sums), so that a sum that is exactly 0 there is exactly 0 here.
double numpy_sum(std::span<const double> values);

struct Scoring {
  const Checklist& list;
  const Weights& weights;
  Coding coding = Coding::kHard;
};
// {"id", "media"?, "prompt"?, "score", "alignment"?, "dimensions": [{"name", "value", "low", "high", "subs": […]}], "questions":
//  [{"question", "dimension", "answer", "value", "masked"?: true}], "unanswered"}.
// `value`s add up to score - intercept; low and high are the least and most a dimension can bring. Questions with a weight, largest first.
Json score_record(const Scoring& scoring, const AnswerSheet& sheet);
// {"first", "second", "choice": 1|2, "tie", "difference", "probability", "mean_of"?, "scores", "dimensions": [{"name", "first", "second",
// "difference"}],
//  "questions": [{"question", "dimension", "first", "second", "difference"}]}: the questions that made a difference, largest first.
//  `mean_of`: the
// number of weights where they are a bare list: the scores are means then, the differences sums, `mean_of` times as large.
Json compare_record(const Scoring& scoring, const AnswerSheet& first, const AnswerSheet& second);

}  // namespace beholder::checklist
