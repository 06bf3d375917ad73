// The weights of a checklist, in VisionReward's two released forms: {"coef": […], "intercept": […]} scores with dot(coef, values) +
// intercept; a bare list (its video weights) scores with the mean of weight x value. docs/FORMATS.md names the keys that `fit` adds.
#pragma once

#include <string>
#include <vector>

#include "checklist/checklist.h"

namespace beholder::checklist {

struct Weights {
  std::vector<double> coef;
  double intercept = 0;
  bool mean = false;  // a bare list
};

// kCorrupt names the weight that is no finite number.
Weights read_weights(const std::string& path);

// Loads the questions that `weights` belong to: without a layout, one weight more than questions is the alignment's. kUnsupported where
// the numbers differ, with the layout that would go with them.
Checklist load_weighted_checklist(const std::string& questions, const std::string& layout, const Weights& weights);

}  // namespace beholder::checklist
