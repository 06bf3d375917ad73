// An exponential average of the weights (Polyak): smoother samples than the last weights give.
#pragma once

#include <string>
#include <vector>

#include "train/optim.h"

namespace beholder::train {

class Ema {
 public:
  // Begins at the parameters as they are. decay in (0, 1).
  Ema(const std::vector<NamedParam>& params, double decay);

  // After update `step` (from 1): average += (1 - d) (parameter - average), d = min(decay, step / (step + 9)), so that a young average
  // forgets its random beginning.
  void update(std::int64_t step);

  TensorMap named(const std::string& prefix) const;  // the averages themselves, not copies

 private:
  std::vector<NamedParam> params_;
  std::vector<at::Tensor> averages_;
  double decay_;
};

}  // namespace beholder::train
