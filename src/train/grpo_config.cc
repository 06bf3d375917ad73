#include "train/grpo_config.h"

#include <algorithm>
#include <cmath>

#include "core/format.h"

namespace beholder::train {
namespace {

bool asks_for(const GrpoConfig& c, const char* reward) {
  return std::find(c.reward_funcs.begin(), c.reward_funcs.end(), reward) != c.reward_funcs.end();
}

// A batch holds whole groups. Says which numbers would do.
void check_batch(const GrpoConfig& c) {
  const std::int64_t batch = c.batch_size(), group = c.num_generations;
  if (batch % group == 0) return;
  const std::int64_t below = batch / group * group, above = below + group;
  std::string divisors;
  for (std::int64_t g = 2; g <= batch && divisors.size() < 40; ++g)
    if (batch % g == 0) divisors += format("{}{}", divisors.empty() ? "" : ", ", g);
  require_field(false, "num_generations",
                format("per_device_train_batch_size {} x gradient_accumulation_steps {} = {} completions are not whole groups of {}",
                       c.per_device_train_batch_size, c.gradient_accumulation_steps, batch, group),
                format("choose num_generations from {}, or a batch of {}{} completions",
                       divisors.empty() ? "the batch's divisors" : divisors, below > 0 ? format("{} or ", below) : "", above));
}

}  // namespace

GrpoConfig::GrpoConfig() {
  output_dir = "runs/grpo";
  learning_rate = 1e-6;
  lr_scheduler_type = "linear";
  max_steps = 1000;
}

void GrpoConfig::fields(FieldList& f) {
  f.group("model and data");
  f.add("model", model, "checkpoint folder or org/name of the judge to train; empty: the embedded judge");
  f.add("data", data,
        "records with \"target\": JSONL, a public data set (see `data inspect`), or a mixture \"A * 0.7 + B * 0.3\";\n"
        "empty: the embedded world");
  f.add("eval_data", eval_data, "held-out JSONL records; with the embedded world its validation split is used");
  f.add("world_seed", world_seed, "seed of the embedded world");
  f.group("rollout");
  f.add_range("num_generations", num_generations, 2, 4096, "completions per prompt (G)");
  f.add_range("max_completion_length", max_completion_length, 1, 1 << 20, "tokens of a completion");
  f.add_range("temperature", temperature, 1e-3, 10, "sampling temperature");
  f.add_range("top_p", top_p, 1e-6, 1, "nucleus; 1: off");
  f.add_range("top_k", top_k, 0, kMany, "keep the k likeliest tokens; 0: off");
  f.add_range("min_p", min_p, 0, 1, "drop tokens below this share of the likeliest; 0: off");
  f.add("dynamic_sampling", dynamic_sampling, "replace groups whose rewards are all equal, at most three times");
  f.group("rewards");
  f.add("reward_funcs", reward_funcs, rewards_help());
  f.add("reward_weights", reward_weights, "one per reward (reward_command last); empty: all 1");
  f.add("gate_on_format", gate_on_format, "other rewards count only where the completion can be read");
  rewards.fields(f);
  f.add("listener", listener,
        "checkpoint of the listener: frozen, any family or size; self: a copy of the model that training starts from");
  f.add("listener_redact", listener_redact, "cut sentences that state the verdict from what the listener reads");
  f.add("reward_command", reward_command, "your own reward: a command that reads JSONL on stdin and writes one number a line");
  f.add_range("reward_command_timeout", reward_command_timeout, 0.1, 1e6, "seconds it may take for one batch");
  f.group("loss");
  f.add_choice("loss_type", loss.loss_type, {"dapo", "grpo", "dr_grpo", "bnpo", "cispo", "sapo"}, "clipping and aggregation");
  f.add_choice("importance_sampling_level", loss.importance_sampling_level, {"token", "sequence"}, "sequence: GSPO");
  f.add_choice("scale_rewards", scale_rewards, {"group", "batch", "none"}, "what the centred rewards are divided by");
  f.add_choice("multi_objective_aggregation", multi_objective_aggregation, {"sum_then_normalize", "normalize_then_sum"},
               "normalize_then_sum: GDPO");
  f.add_range("epsilon", loss.epsilon, 0, 1, "clip range below");
  f.add_range("epsilon_high", epsilon_high, -1, 100, "clip range above; -1: as epsilon; cispo: the largest ratio");
  f.add_range("beta", loss.beta, 0, 100, "weight of the KL to the starting model; 0 holds none");
  f.add_range("sapo_temperature_pos", loss.sapo_temperature_pos, 1e-3, 100, "sapo's temperature for good completions");
  f.add_range("sapo_temperature_neg", loss.sapo_temperature_neg, 1e-3, 100, "and for bad ones");
  f.add_range("num_iterations", num_iterations, 1, 1000, "updates on each rollout");
  f.add("mask_truncated_completions", mask_truncated_completions, "leave completions that hit the limit out of the loss");
  f.add_choice("decision_gradient", decision_gradient, {"auto", "exact", "sampled"},
               "of the token that decides; auto: exact with the soft reward");
  f.add_range("decision_coef", decision_coef, 0, 1e4, "weight of the exact decision term");
  trained_fields(f);
  optimisation_fields(f, "completions");
  run_fields(f);
  f.add_range("eval_items", eval_items, 1, 1 << 20, "items of an evaluation");
  f.add_choice("metric_for_best_model", metric_for_best_model, {"eval_accuracy", "eval_brier"}, "what the best checkpoint is chosen by");
}

bool GrpoConfig::exact_decision() const {
  return decision_gradient == "exact" || (decision_gradient == "auto" && asks_for(*this, "soft"));
}

judge::AnswerKind GrpoConfig::answer_kind() const {
  return asks_for(*this, "score") ? judge::AnswerKind::kScore : judge::AnswerKind::kSoft;
}

std::vector<std::string> GrpoConfig::reward_names() const {
  std::vector<std::string> names = reward_funcs;
  if (!reward_command.empty()) names.emplace_back("command");
  return names;
}

std::vector<double> GrpoConfig::weights() const {
  return reward_weights.empty() ? std::vector<double>(reward_names().size(), 1.0) : reward_weights;
}

PolicyLossOptions GrpoConfig::loss_options() const {
  PolicyLossOptions options = loss;
  options.epsilon_high = epsilon_high >= 0 ? epsilon_high : loss.loss_type == "cispo" ? 5.0 : loss.epsilon;
  return options;
}

AdvantageOptions GrpoConfig::advantage_options() const {
  return {.weights = weights(), .scale_rewards = scale_rewards, .multi_objective_aggregation = multi_objective_aggregation};
}

void validate(const GrpoConfig& c) {
  validate_run(c);
  check_batch(c);
  require_field(!c.reward_names().empty(), "reward_funcs", "is empty", "name at least one reward, e.g. format and soft");
  for (std::size_t i = 0; i < c.reward_funcs.size(); ++i) {
    const Reward& reward = reward_named(c.reward_funcs[i]);
    require_field(std::count(c.reward_funcs.begin(), c.reward_funcs.end(), c.reward_funcs[i]) == 1, "reward_funcs",
                  format("names {} twice", reward.name), "name it once and raise its weight");
    require_field(!reward.needs_listener || !c.listener.empty(), "listener", "is empty while the listener's reward is asked for",
                  "name a checkpoint, or self for a copy of the model that training starts from");
    require_field(!(reward.needs_probability && c.answer_kind() == judge::AnswerKind::kScore), "reward_funcs",
                  format("score asks for scores, {} for the probability of an index", reward.name), "use one of the two");
  }
  require_field(c.weights().size() == c.reward_names().size(), "reward_weights",
                format("{} weights for {} rewards", c.weights().size(), c.reward_names().size()), "give one per reward, in their order");
  require_field(!(c.decision_gradient == "exact" && c.answer_kind() == judge::AnswerKind::kScore), "decision_gradient",
                "exact needs an index that decides; scores have none", "use sampled");
  require_field(c.data.empty() == c.eval_data.empty() || c.eval_steps == 0, "eval_data", "does not go with data",
                "name both files, or set eval_steps = 0");
}

Json numeric_config(GrpoConfig config) {
  FieldList list;
  config.fields(list);
  Json json = numeric_part(list);
  for (const char* key : {"eval_items", "metric_for_best_model", "eval_data", "reward_command_timeout"}) json.erase(key);
  return json;
}

}  // namespace beholder::train
