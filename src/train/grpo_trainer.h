// Group-relative policy optimisation of the judge (GRPO, 2402.03300; the variants of policy_loss.h). One rollout, then
// `num_iterations` updates on it, through the same weights, the same preprocessing and the same shared prefixes: a group's
// prompt and pictures are computed once in the rollout and once per update, whatever G is.
//
// With the exact decision gradient (docs/methods/soft-rewards.md) the token that decides leaves the policy gradient, and
// -decision_coef * dR/dp * p takes its place with the same weight: the expectation over the decision is taken exactly.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/progress.h"
#include "train/grpo_eval.h"
#include "train/rollout.h"
#include "train/rollout_metrics.h"
#include "train/training_run.h"

namespace beholder::train {

struct GrpoTask {
  GrpoConfig config;                       // validated
  const judge::JudgeSpec* spec = nullptr;  // of the judge; must outlive the trainer
  vlm::Model model;                        // where training starts; float32
  std::optional<vlm::Model> reference;     // needed with beta > 0: the same weights; may share tensors
  std::map<std::string, std::string> model_files;
  Json inputs = Json::object();  // what else must be unchanged when resuming
  const PreferenceSource* train = nullptr;
  const PreferenceSource* validation = nullptr;  // null: no evaluation
  Listener* listener = nullptr;                  // null: none
  dist::ProcessGroup* group = &dist::alone();
};

struct GrpoResult {
  std::int64_t step = 0;
  bool interrupted = false;
  std::int64_t skipped = 0;           // items that could not be used
  double reward = 0;                  // mean of the last rollout
  std::optional<double> best_metric;  // of metric_for_best_model, where there were evaluations
  std::int64_t best_step = -1;
};

class GrpoTrainer {
 public:
  explicit GrpoTrainer(GrpoTask task);
  GrpoTrainer(const GrpoTrainer&) = delete;
  GrpoTrainer& operator=(const GrpoTrainer&) = delete;

  std::int64_t resume();  // as TrainingRun::resume
  // Runs to max_steps, or to the next step boundary after a stop was asked for. kInvalidInput when the loss or the gradient is
  // no longer finite, when a reward fails, or when no item can be used; earlier checkpoints stay.
  GrpoResult run();

  // The loss of one rollout (of all ranks) with the current weights, and this rank's part of its gradients in the leaves; what an update
  // follows. For tests.
  double accumulate(const RolloutBatch& batch);
  RolloutBatch rollout();  // the next one; moves on in the data
  const vlm::Model& model() const { return task_.model; }

 private:
  struct Micro;  // completions of one forward pass

  struct Times {  // seconds since the last line; of this process only, never stored
    double rollout = 0, rewards = 0, listener = 0, update = 0, since = 0;
    std::int64_t updates = 0, tokens = 0;
  };

  at::Tensor micro_loss(const Micro& micro, std::size_t number);
  void meter_clipped();
  void learn_from(const RolloutBatch& batch, Progress& progress);
  bool due(std::int64_t every) const;
  void report_problems(const RolloutBatch& batch);
  void log_metrics(double seconds);
  void evaluate();
  void save();
  Json state() const;
  Json identity() const;

  GrpoTask task_;
  TrainingRun run_;
  Roller roller_;
  std::int64_t cursor_ = 0, num_tokens_ = 0, skipped_ = 0;
  Meters meters_;
  CauseWarnings warnings_;
  Times times_;
  std::vector<at::Tensor> old_logps_;          // per micro-batch, of the rollout being learned from; empty before its first pass
  double clipped_low_ = 1, clipped_high_ = 0;  // lowest and highest share of a micro-batch, of the update under way
  double last_reward_ = 0;
  std::optional<double> best_metric_;
  std::int64_t best_step_ = -1;
};

}  // namespace beholder::train
