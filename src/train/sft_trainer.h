// Supervised fine-tuning: cross-entropy on completions, mean over all completion tokens of an update's whole batch, through the
// same packed forward that samples and scores.
//
//   loss = - sum over examples i, completion tokens t of log p(t | before, media) / number of completion tokens in the batch
//
// The denominator is known before the first backward pass, so how a batch is split into micro-batches does not change the
// gradient. On one machine with one thread count a run is deterministic, and one that was killed and resumed ends with the
// same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/progress.h"
#include "train/sft_batch.h"
#include "train/sft_config.h"
#include "train/training_run.h"
#include "vlm/model.h"

namespace beholder::train {

struct SftTask {
  SftConfig config;                                // validated
  vlm::Model model;                                // where training starts; float32
  std::map<std::string, std::string> model_files;  // tokenizer and other small files that make a checkpoint a model folder
  Json inputs = Json::object();                    // what else must be unchanged when resuming, e.g. {"data_sha256": "…"}
  const SftSource* train = nullptr;                // must outlive the trainer
  const SftSource* validation = nullptr;           // null: no evaluation
  dist::ProcessGroup* group = &dist::alone();
};

struct SftResult {
  std::int64_t step = 0;     // finished updates
  bool interrupted = false;  // stopped on request before max_steps; a checkpoint of `step` was written
  std::int64_t skipped = 0;  // examples that could not be used, since the run began
  double loss = 0;           // mean since the last line of metrics, or of that line
};

struct Scores {
  double loss = 0, accuracy = 0;  // per completion token
  std::int64_t tokens = 0;        // completion tokens
};

class SftTrainer {
 public:
  explicit SftTrainer(SftTask task);
  SftTrainer(const SftTrainer&) = delete;
  SftTrainer& operator=(const SftTrainer&) = delete;

  // Takes up the checkpoint that config.resume_from_checkpoint asks for and returns its step, 0 when it starts anew. kUsage when
  // the checkpoint belongs to another configuration or the folder holds a run that "none" would mix with; kCorrupt when there
  // are checkpoints and none verifies.
  std::int64_t resume();

  // Runs to max_steps, or to the next step boundary after a stop was asked for. kInvalidInput when the loss or gradient is no
  // longer finite (names the step and the batch) or a whole batch cannot be used; earlier checkpoints stay.
  SftResult run();

  // Teacher-forced loss and token accuracy on the fixed validation batch.
  Scores evaluate();

  const vlm::Model& model() const { return task_.model; }

 private:
  struct Sums {  // since the last line of metrics; part of a checkpoint
    double loss = 0;
    std::int64_t updates = 0;
  };
  struct Pace {  // the same, of this process only; never stored
    double since = 0;
    std::int64_t tokens = 0, updates = 0;
  };
  struct Update {
    Scores scores;  // accuracy only when it was asked for
    double grad_norm = 0, learning_rate = 0;
  };

  SftBatch of_all_ranks(SftBatch batch);
  Update update(const SftBatch& batch, bool want_accuracy);
  Scores micro_scores(std::span<const SftExample> examples, double denominator, bool want_accuracy, at::Tensor* loss);
  Scores total(const Scores& scores);
  void report_problems(const SftBatch& batch);
  void advance(const SftBatch& batch, Progress& progress);
  void log_metrics(const Update& update, double seconds);
  void log_evaluation();
  void save();
  std::int64_t max_tokens() const;
  Json identity() const;  // of the run: its configuration and inputs

  SftTask task_;
  TrainingRun run_;
  std::int64_t num_tokens_ = 0, skipped_ = 0;
  Sums sums_;
  Pace pace_;
  double last_loss_ = 0;
};

}  // namespace beholder::train
