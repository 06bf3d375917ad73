// From rewards to advantages, in groups of G completions of one prompt (GRPO, 2402.03300 eq. 1; names and constants are
// TRL's). A missing reward (NaN) does not count; a completion whose rewards are all missing has advantage 0.
#pragma once

#include <string>
#include <vector>

namespace beholder::train {

struct AdvantageOptions {
  std::vector<double> weights;          // one per reward
  std::string scale_rewards = "group";  // group: divide by the group's deviation; batch: by the batch's; none
  // sum_then_normalize: A = (r - mean) / (std + 1e-4), r = sum of weight * reward.
  // normalize_then_sum (GDPO, 2601.05242): each reward is normalised in its group first, the sum over the batch after.
  std::string multi_objective_aggregation = "sum_then_normalize";
};

struct Advantages {
  std::vector<double> values;              // [N]
  double reward_mean = 0, reward_std = 0;  // mean over completions, mean over groups of the group's deviation
  double frac_reward_zero_std = 0;         // share of groups whose rewards are equal
};

// rewards[i][k] of completion i = group * G + g; N is a multiple of G. Deviations are unbiased (n - 1); 0 for one value.
Advantages compute_advantages(const std::vector<std::vector<double>>& rewards, std::size_t group_size, const AdvantageOptions& options);

// The group's sums are all equal (within 1e-12), or missing.
bool is_flat(const std::vector<std::vector<double>>& group, const std::vector<double>& weights);

}  // namespace beholder::train
