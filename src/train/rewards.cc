#include "train/rewards.h"

#include <algorithm>

#include "core/error.h"
#include "core/format.h"

namespace beholder::train {

void RewardOptions::fields(FieldList& f) {
  f.add_choice("soft_shape", soft_shape, {"brier", "log", "probability", "linear"}, "how the soft reward grades p against the human share");
  f.add_choice("listener_shape", listener_shape, {"probability", "brier", "margin"}, "how the listener's probability becomes a reward");
  f.add_choice("listener_target", listener_target, {"truth", "choice"},
               "whose probability the listener is asked for: the preferred medium's or the judge's choice's");
  f.add_range("length_cache", length_cache, 1, 1e6, "tokens before max_completion_length over which the length reward falls");
}

const std::vector<Reward>& all_rewards() {
  static const std::vector<Reward> kRewards = {
      {"format", "1 if the completion is a thought and an answer", false, false, false, grade_format},
      {"select", "1 if the choice is the preferred medium; 0.5 for a tie", true, false, false, grade_select},
      {"score", "1 if the stated scores are in the right order", true, false, false, grade_score},
      {"soft", "the probability at the decision graded against the human share", true, false, true, grade_soft},
      {"listener", "an independent model that reads the thought agrees", true, true, false, grade_listener},
      {"length", "falls to 0 as the completion nears its limit", false, false, false, grade_length},
  };
  return kRewards;
}

std::string rewards_help() {
  std::string out = "what a completion earns:";
  for (const Reward& reward : all_rewards()) out += format("\n{}: {}", reward.name, reward.help);
  return out;
}

const Reward& reward_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Reward& reward : all_rewards()) {
    if (reward.name == name) return reward;
    names.emplace_back(reward.name);
  }
  throw Error(Code::kUsage, "reward_funcs", format("there is no reward \"{}\"", name),
              format("choose from {}; for your own, see reward_command", fmt::join(names, ", ")));
}

Grade decided(const Judged& answer, double if_first, double if_second, Decision decision) {
  if (decision == Decision::kExact && answer.p) return {*answer.p * if_first + (1 - *answer.p) * if_second, if_first - if_second};
  return {answer.verdict.choice == 1 ? if_first : if_second, 0};
}

double preferred(double x, double q) {
  return q > 0.5 ? x : q < 0.5 ? 1 - x : 0.5;
}

Grade grade_format(const Judged& answer, const RewardOptions&, Decision) {
  return {answer.verdict.parsed ? 1.0 : 0.0, 0};
}

Grade grade_length(const Judged& answer, const RewardOptions& options, Decision) {
  const double left = static_cast<double>(options.max_completion_length - answer.tokens);
  return {std::clamp(left / static_cast<double>(options.length_cache), 0.0, 1.0), 0};
}

}  // namespace beholder::train
