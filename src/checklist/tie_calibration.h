// Accuracy of score differences against human choices, with ties (Deutsch, Foster & Freitag 2023, arXiv 2305.14324: differences up to the
// best threshold count as predicted ties) and without.
#pragma once

#include <cstdint>
#include <span>

namespace beholder::checklist {

struct TieAccuracy {
  double tau = 0;        // share of right answers with ties, at the threshold where it is largest
  double threshold = 0;  // 0: only equal scores are predicted ties
  double diff = 0;       // right / all of the pairs whose label is no tie; an equal score is wrong
  std::int64_t pairs = 0, ties = 0;
};

// label: +1, -1, or 0 for a tie; as many as differences. NaN where there is nothing to count.
TieAccuracy tie_accuracy(std::span<const double> difference, std::span<const int> label);

}  // namespace beholder::checklist
