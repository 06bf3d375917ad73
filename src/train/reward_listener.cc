// The listener reward [2506.22832]: a frozen model reads the pictures and the thought, without the answer, and says how
// sure it is. High when the thought alone leads another reader to the right (or the judge's) verdict.
#include <algorithm>

#include "core/error.h"
#include "train/rewards.h"

namespace beholder::train {
namespace {

double shaped(double l, const std::string& shape) {
  return shape == "margin" ? 2 * std::max(0.0, l - 0.5) : l;
}

}  // namespace

Grade grade_listener(const Judged& answer, const RewardOptions& options, Decision decision) {
  require_internal(answer.listener.has_value(), "the listener reward needs a listener");
  const double l = *answer.listener, q = answer.q;
  if (options.listener_shape == "brier") return {1 - (l - q) * (l - q), 0};
  if (options.listener_target == "choice")
    return decided(answer, shaped(l, options.listener_shape), shaped(1 - l, options.listener_shape), decision);
  return {q == 0.5 ? 0.5 : shaped(preferred(l, q), options.listener_shape), 0};
}

}  // namespace beholder::train
