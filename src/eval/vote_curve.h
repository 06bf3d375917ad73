// What asking more buys: accuracy and Brier score against tokens, for one or both orders and 1, 2, 4, … and all thoughts per order,
// read from one evaluation that asked the most. Fewer thoughts are groups of the same votes, so the points are paired.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bootstrap.h"
#include "core/json.h"

namespace beholder::eval {

// The votes on one pair. `p[order]`: per thought the probability of the pair's first medium, seen first (order 0) or second (1);
// nothing where it could not be read. An order that was not asked is empty.
struct PairVotes {
  double q = 0.5;          // label: share of people who prefer the first
  std::size_t prompt = 0;  // what the bootstrap draws, 0-based
  std::array<std::vector<std::optional<double>>, 2> p;
};

// Tokens of one question: its prompt is read once, however many thoughts follow.
struct AskingCost {
  double prompt_tokens = 0;      // mean per order
  double completion_tokens = 0;  // mean per thought
};

// What a pair adds to accuracy and Brier score of a judge with so many orders (1 or 2) and thoughts per order, as below: the mean
// over all such judges that its votes hold. {0, 0} where they hold none, and of the accuracy for a label tie.
struct VotePart {
  Ratio accuracy, brier;
};
VotePart vote_part(const PairVotes& pair, int orders, std::size_t votes);

struct VoteCurvePoint {
  int orders = 1, votes = 1;  // thoughts per order
  double tokens = 0;          // mean per pair
  double accuracy = 0, brier = 0;
  std::optional<Interval> accuracy_interval, brier_interval;  // 95%, over prompts
};

// Accuracy: label ties left out, p = 1/2 wrong, nothing readable wrong (1/2 for Brier). A point of one order is the mean over the
// orders that were asked. Empty where no pair has votes.
std::vector<VoteCurvePoint> vote_curve(const std::vector<PairVotes>& pairs, const AskingCost& cost);

// [{"orders","votes","tokens","accuracy":{"value","interval"},"brier":{…}}]
Json to_json(const std::vector<VoteCurvePoint>& curve);

}  // namespace beholder::eval
