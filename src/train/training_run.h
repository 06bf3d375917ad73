// What every trainer has besides its loss: leaves and optimiser, the learning rate's schedule, checkpoints with exact resume,
// and the log. A trainer computes gradients, calls `update`, and stores its own state beside (`save`, `state`).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dist/process_group.h"
#include "train/checkpoint.h"
#include "train/exchange.h"
#include "train/optim.h"
#include "train/run_config.h"
#include "train/run_log.h"
#include "vlm/model.h"

namespace beholder::train {

// The weights that a run stores, those of them that it changes, and the config.json they are read with.
struct TrainedWeights {
  vlm::ParamStore& params;
  std::vector<NamedParam> leaves;
  Json config;
};

class TrainingRun {
 public:
  // `identity`: the configuration and inputs that must be equal to resume. `model_files`: what makes a checkpoint a model folder.
  // `config`, `model` and `group` must outlive this; what is trained becomes leaves of the model (train/trained.h). With a group of several
  // ranks, all of them call the same functions in the same order.
  TrainingRun(const RunConfig& config, Json identity, vlm::Model& model, std::map<std::string, std::string> model_files,
              dist::ProcessGroup& group = dist::alone());
  // The same for weights of any kind; `config` and the store must outlive this. What is frozen is the caller's to put into `identity`.
  TrainingRun(const RunConfig& config, Json identity, TrainedWeights weights, std::map<std::string, std::string> model_files,
              dist::ProcessGroup& group = dist::alone());

  // Further tensors of the trainer, stored with the optimiser's state and filled by resume(), which comes later. The names must not be
  // the optimiser's.
  void keep(const TensorMap& tensors) { kept_.insert(tensors.begin(), tensors.end()); }

  // Takes up the checkpoint that config.resume_from_checkpoint asks for and returns its step, 0 when the run starts anew.
  // kUsage when the checkpoint belongs to another configuration or the folder holds a run that "none" would mix with; kCorrupt
  // when there are checkpoints and none verifies. Opens the log.
  std::int64_t resume();
  const Json& state() const { return state_; }  // what the trainer stored with the checkpoint; null when it started anew

  // The next backward pass is the last one before update(): gradients may go to the other ranks while it runs.
  void last_backward();
  // One update with the gradients the leaves hold, summed over the ranks and clipped to max_grad_norm. Returns the norm before, which may
  // not be finite: then nothing was changed.
  double update();
  double learning_rate() const { return learning_rate_; }  // of the last update
  void zero_grad() { optimizer_.zero_grad(); }

  // Writes the checkpoint of the current step, unless it is there.
  void save(const Json& trainer_state);
  // Throws kInvalidInput, naming the step, `what` and the batch, unless `value` is finite. Checkpoints so far stay.
  void require_finite(double value, const char* what, const std::string& batch) const;

  RunLog& log();  // of rank 0; the others' lines go nowhere
  dist::ProcessGroup& group() const { return group_; }
  std::int64_t step() const { return step_; }  // finished updates
  bool last_step() const { return step_ >= config_.max_steps; }
  std::string resume_hint() const;

 private:
  class CostLog;
  std::optional<Found> checkpoint_to_resume() const;
  void restore(const CheckpointContent& content, const std::string& path);
  TensorMap optimizer_state();

  const RunConfig& config_;
  Json identity_, state_, model_config_;
  vlm::ParamStore& params_;
  std::map<std::string, std::string> model_files_;
  Schedule schedule_;
  dist::ProcessGroup& group_;
  GradientExchange exchange_;
  AdamW optimizer_;
  TensorMap kept_;
  std::unique_ptr<RunLog> log_;
  std::int64_t step_ = 0, saved_step_ = -1;
  double learning_rate_ = 0;
};

}  // namespace beholder::train
