// Pairs for multi-objective preference optimisation (VisionReward, arXiv 2412.21059, sec. 3): of the candidates of one prompt, i dominates
// j where R_d(i) >= R_d(j) in every d, R_d being the sum of weight x 1[yes] over d's questions (P(yes) for 1[yes] with the soft coding).
// The score of score.h has weight x (+1 or -1) in its place, so a flipped answer is worth twice as much there; the alignment, which is the
// same number in both, therefore counts with half its weight here: without masks sum_d R_d is half the score and a constant.
// d runs over dimensions, sub-dimensions or single questions. `kTotal` is the baseline: any pair.
// A pair is kept where moreover sum_d R_d(i) - sum_d R_d(j) > threshold, so that equals make no pair.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "checklist/score.h"

namespace beholder::checklist {

enum class Level { kDimension, kSubDimension, kQuestion, kTotal };
inline constexpr Level kLevels[] = {Level::kDimension, Level::kSubDimension, Level::kQuestion, Level::kTotal};
std::string_view level_name(Level level);  // "dimension", "sub-dimension", "question", "total"

// One reward per dimension, sub-dimension or question that has a weight; one in all for kTotal.
std::vector<double> rewards_at(const Scoring& scoring, const AnswerSheet& sheet, Level level);

struct DominantPair {
  std::size_t chosen = 0, rejected = 0;  // indices into the candidates
  double margin = 0;                     // of the totals
};
// `rewards[i]`: candidate i's at the level; `totals[i]`: its sum over all questions. In the order of the candidates.
std::vector<DominantPair> dominant_pairs(std::span<const std::vector<double>> rewards, std::span<const double> totals, double threshold);

}  // namespace beholder::checklist
