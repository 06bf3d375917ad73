// Rewards for the choice itself: `select` for a named medium, `score` for the order of stated scores [2503.19948].
#include "train/rewards.h"

namespace beholder::train {

Grade grade_select(const Judged& answer, const RewardOptions&, Decision decision) {
  return decided(answer, preferred(1, answer.q), preferred(0, answer.q), decision);
}

Grade grade_score(const Judged& answer, const RewardOptions&, Decision) {
  if (answer.q == 0.5) return {0.5, 0};
  if (answer.verdict.scores.size() != 2 || answer.verdict.choice == 0) return {0, 0};
  return {preferred(answer.verdict.choice == 1 ? 1 : 0, answer.q), 0};
}

}  // namespace beholder::train
