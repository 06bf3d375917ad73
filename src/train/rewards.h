// What a completion earns: pure functions of one answer, each in [0, 1]. A group's rewards become advantages (advantage.h).
//
// Two ways to grade a decision, the token that names the better medium:
//   sampled   the choice that was drawn is graded, as in plain GRPO
//   exact     its expectation under the judge's own p is graded, and `slope` says how that changes with p, so that the
//             trainer can follow the derivative instead of a noisy sample (docs/methods/soft-rewards.md)
// Adding a reward: one file reward_<name>.cc, its declaration here and a line in rewards.cc; docs/methods/grpo.md walks through it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "judge/answer.h"

namespace beholder::train {

struct RewardOptions {
  std::string soft_shape = "brier";            // brier, log, probability, linear
  std::string listener_shape = "probability";  // probability, brier, margin
  std::string listener_target = "truth";       // truth, choice
  std::int64_t max_completion_length = 512;    // tokens; of the length reward
  std::int64_t length_cache = 64;              // tokens before the limit over which it falls to 0

  void fields(FieldList& f);  // all but max_completion_length
};

// One answer about two media.
struct Judged {
  judge::Verdict verdict;
  double q = 0.5;                  // share of people who prefer medium 1, or 1, 0, 0.5 for a tie
  std::optional<double> p;         // the judge's probability of medium 1, read at the decision; soft answers only
  std::optional<double> listener;  // the listener's probability of medium 1 after reading the thought
  std::int64_t tokens = 0;         // of the completion
};

struct Grade {
  double value = 0;
  double slope = 0;  // d value / d p when graded exactly; 0 where the decision does not matter
};

enum class Decision { kSampled, kExact };

struct Reward {
  const char* name;
  const char* help;
  bool needs_answer;  // 0 where the completion cannot be read, gated or not
  bool needs_listener, needs_probability;
  Grade (*grade)(const Judged& answer, const RewardOptions& options, Decision decision);
};

// format, select, score, soft, listener, length.
const std::vector<Reward>& all_rewards();
std::string rewards_help();  // their names, and what each pays for, a line each
// kUsage with the legal names.
const Reward& reward_named(const std::string& name);

// One of two values that the decision picks between, given for medium 1 and medium 2.
Grade decided(const Judged& answer, double if_first, double if_second, Decision decision);
// Credit for preferring medium 1 with certainty x in [0, 1] when people do so with share q: x, 1 - x, or 0.5 for a tie.
double preferred(double x, double q);

// One per reward_*.cc.
Grade grade_format(const Judged& answer, const RewardOptions& options, Decision decision);
Grade grade_select(const Judged& answer, const RewardOptions& options, Decision decision);
Grade grade_score(const Judged& answer, const RewardOptions& options, Decision decision);
Grade grade_soft(const Judged& answer, const RewardOptions& options, Decision decision);
Grade grade_listener(const Judged& answer, const RewardOptions& options, Decision decision);
Grade grade_length(const Judged& answer, const RewardOptions& options, Decision decision);

}  // namespace beholder::train
