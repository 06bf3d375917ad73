#include "train/ema.h"

#include <torch/types.h>

#include <algorithm>

namespace beholder::train {

Ema::Ema(const std::vector<NamedParam>& params, double decay) : params_(params), decay_(decay) {
  for (const NamedParam& param : params_) averages_.push_back(param.value.detach().clone());
}

void Ema::update(std::int64_t step) {
  const at::NoGradGuard no_grad;
  const double count = static_cast<double>(step), decay = std::min(decay_, count / (count + 9));
  for (std::size_t i = 0; i < params_.size(); ++i) averages_[i].lerp_(params_[i].value, 1 - decay);
}

TensorMap Ema::named(const std::string& prefix) const {
  TensorMap out;
  for (std::size_t i = 0; i < params_.size(); ++i) out[prefix + params_[i].name] = averages_[i];
  return out;
}

}  // namespace beholder::train
