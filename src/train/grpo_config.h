// What `train grpo` is asked to do. Names, meanings and defaults are TRL's where it has them.
#pragma once

#include <string>
#include <vector>

#include "train/advantage.h"
#include "train/policy_loss.h"
#include "train/rewards.h"
#include "train/run_config.h"

namespace beholder::train {

struct GrpoConfig : RunConfig {
  std::string data, eval_data;  // JSONL records with targets; empty: the embedded world
  std::int64_t world_seed = 1;
  // Rollout.
  std::int64_t num_generations = 8, max_completion_length = 512;
  double temperature = 1.0, top_p = 1.0, min_p = 0.0;
  std::int64_t top_k = 0;
  bool dynamic_sampling = false;
  // Rewards.
  std::vector<std::string> reward_funcs = {"format", "soft"};
  std::vector<double> reward_weights;  // empty: all 1
  RewardOptions rewards;
  bool gate_on_format = true;
  std::string listener;  // model of the listener, "self": as `model`; needed by the reward, else only measured
  bool listener_redact = false;
  std::string reward_command;  // a shell command that reads JSONL and writes numbers; its reward is called "command"
  double reward_command_timeout = 60;
  // Advantage and loss.
  std::string scale_rewards = "group", multi_objective_aggregation = "sum_then_normalize";
  PolicyLossOptions loss;
  double epsilon_high = -1;  // below 0: as epsilon
  std::int64_t num_iterations = 1;
  bool mask_truncated_completions = false;
  std::string decision_gradient = "auto";  // auto: exact with the soft reward, else sampled
  double decision_coef = 4.0;
  // Evaluation.
  std::int64_t eval_items = 256;
  std::string metric_for_best_model = "eval_accuracy";

  GrpoConfig();
  void fields(FieldList& f);

  bool exact_decision() const;
  judge::AnswerKind answer_kind() const;          // what is asked: scores with the score reward, else the index
  std::vector<double> weights() const;            // one per reward
  std::vector<std::string> reward_names() const;  // reward_funcs, and "command" where there is one
  PolicyLossOptions loss_options() const;
  AdvantageOptions advantage_options() const;
};

// kUsage that names the field and the way out; for impossible batch sizes with the nearest legal ones.
void validate(const GrpoConfig& config);
Json numeric_config(GrpoConfig config);

}  // namespace beholder::train
