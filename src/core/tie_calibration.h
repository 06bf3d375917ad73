// Accuracy with ties (Deutsch, Foster & Freitag 2023, arXiv 2305.14324): a difference of at most epsilon is a predicted tie, and
// epsilon is the one that makes the most of the data it is measured on.
#pragma once

#include <cstdint>
#include <vector>

namespace beholder {

struct TiePair {
  int label = 0;      // 1, -1, or 0 where people are tied
  double margin = 0;  // finite
};

struct TieCalibration {
  double accuracy = 0;       // (C + T) / all
  double epsilon = -1;       // largest |margin| that is called a tie; -1: none is
  std::vector<bool> is_tie;  // per pair: called a tie at the best epsilon
};

// Exact: epsilon also below the smallest |margin|, and only between different values of |margin|.
TieCalibration calibrate_ties(const std::vector<TiePair>& pairs);

// As the public script of VideoAlign (calc_accuracy.py) sweeps: at least the smallest |margin| always becomes a tie, and a sweep may
// stop inside a run of equal ones, in the order of the input. Three right pairs without ties give 2/3.
TieCalibration calibrate_ties_videoalign(const std::vector<TiePair>& pairs);

// With a threshold that was chosen elsewhere, |margin| < threshold is a tie.
bool tied_below(double margin, double threshold);

// Pick-a-Pic's score of a three-way prediction: 1 where it is the label, 1/2 where exactly one of the two is a tie, else 0.
double three_way_credit(int label, double margin, bool tie);

// The threshold with the highest mean three_way_credit, among 0 and the midpoints above each |margin|; the smallest of equals.
double best_three_way_threshold(const std::vector<TiePair>& pairs);

}  // namespace beholder
