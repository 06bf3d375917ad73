// Trains a generator by flow matching or by preference: batches, the loss's gradient over micro-batches, averaged weights, validation, and
// pictures of fixed prompts on the way. A batch's losses are summed over a count known before the first backward pass, so how it is split
// does not change the gradient, nor does into how many ranks. On one machine with one thread count a run is deterministic, and one that was
// killed and resumed ends with the same bytes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "gen/generator.h"
#include "train/ema.h"
#include "train/flow_config.h"
#include "train/flow_loss.h"
#include "train/training_run.h"

namespace beholder::train {

struct FlowTask {
  const FlowConfig& config;   // validated
  double prompt_dropout = 0;  // of training's batches
  Json identity;              // the configuration and inputs that must be equal to resume
  gen::Generator generator;   // where training starts
  std::map<std::string, std::string> model_files;
  const FlowObjective* objective = nullptr;                  // as the sources, must outlive the trainer
  const FlowSource *train = nullptr, *validation = nullptr;  // validation: null for none
  dist::ProcessGroup* group = &dist::alone();                // outlives the trainer
};

struct FlowResult {
  std::int64_t step = 0;  // finished updates
  bool interrupted = false;
  std::int64_t skipped = 0;  // examples that could not be used, since the run began
  double loss = 0;           // mean since the last line of metrics, or of that line
};

class FlowTrainer {
 public:
  explicit FlowTrainer(FlowTask task);
  FlowTrainer(const FlowTrainer&) = delete;
  FlowTrainer& operator=(const FlowTrainer&) = delete;

  // As TrainingRun's.
  std::int64_t resume();
  // Runs to max_steps, or to the next step boundary after a stop was asked for. kInvalidInput when the loss or gradient is no longer
  // finite or a whole batch cannot be used; earlier checkpoints stay.
  FlowResult run();

  // On the fixed validation batch, of the weights that result() has: "loss" and what the objective watches.
  std::map<std::string, double> evaluate();
  // The weights to keep: averaged ones where ema_decay is set.
  const gen::Model& result() const { return ema_ ? averaged_ : task_.generator.model; }

 private:
  using Sums = std::map<std::string, double>;

  std::vector<NamedParam> leaves();
  FlowBatch batch(const FlowSource& source, std::int64_t step, bool validation) const;
  // Means over the batch of all ranks; with `learn` also the gradient, of this rank's examples.
  Sums means(const gen::Model& model, const FlowBatch& batch, bool learn);
  void report_problems(const FlowBatch& batch);
  void advance(Progress& progress);
  void log_metrics(double grad_norm, double seconds);
  void look();  // validation and pictures
  void draw_samples() const;
  void save();

  FlowTask task_;
  TrainingRun run_;
  std::optional<Ema> ema_;
  gen::Model averaged_;
  std::int64_t skipped_ = 0, updates_ = 0;  // updates since the last line of metrics
  Sums sums_;                               // over those
  double last_loss_ = 0, since_ = 0;
  std::int64_t timed_ = 0;
};

}  // namespace beholder::train
