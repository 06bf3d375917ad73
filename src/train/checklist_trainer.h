// Teaches a model to answer yes/no questions (VisionReward, arXiv 2412.21059, sec. 2.2): each medium is read once, its questions are
// branches of that prefix, and the loss is the cross-entropy of the answer's token, the mean over all questions of an update. Which
// questions are asked is balanced sampling's choice (taught_source.h).
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/progress.h"
#include "train/checklist_config.h"
#include "train/taught_source.h"
#include "train/training_run.h"

namespace beholder::train {

struct ChecklistTask {
  ChecklistConfig config;                  // validated
  const judge::JudgeSpec* spec = nullptr;  // must outlive the trainer; its tokenizer has yes and no as single tokens
  vlm::Model model;                        // where training starts
  std::map<std::string, std::string> model_files;
  Json inputs = Json::object();  // what else must be unchanged when resuming
  const TaughtSource* train = nullptr;
  const TaughtSource* validation = nullptr;    // null: no evaluation
  dist::ProcessGroup* group = &dist::alone();  // outlives the trainer
};

struct ChecklistResult {
  std::int64_t step = 0;
  bool interrupted = false;
  std::int64_t skipped = 0;  // items that could not be used
  double loss = 0;           // mean of the updates since the last line of metrics
  std::optional<double> best_metric;
  std::int64_t best_step = -1;
};

class ChecklistTrainer {
 public:
  explicit ChecklistTrainer(ChecklistTask task);
  ChecklistTrainer(const ChecklistTrainer&) = delete;
  ChecklistTrainer& operator=(const ChecklistTrainer&) = delete;

  std::int64_t resume();  // as TrainingRun::resume
  // Runs to max_steps, or to the next step boundary after a stop was asked for. kInvalidInput when the loss or the gradient is no longer
  // finite, or when no item of an update can be used; earlier checkpoints stay.
  ChecklistResult run();

  struct Loss {
    double loss = 0, right = 0;  // mean cross-entropy, and share answered right
    std::int64_t questions = 0;
  };
  // Of the items of all ranks with the current weights, in forward passes of per_device_train_batch_size of them; gradients of this rank's
  // in the leaves. For tests, too.
  Loss accumulate(std::span<const TaughtItem> items);
  const vlm::Model& model() const { return task_.model; }

 private:
  struct Sums {
    double loss = 0, right = 0;
    std::int64_t updates = 0;
  };
  struct Pace {  // of this process only; never stored
    double since = 0;
    std::int64_t questions = 0, updates = 0;
  };

  std::vector<TaughtItem> taught(std::int64_t step);
  std::vector<TaughtItem> batch();
  Loss micro(std::span<const TaughtItem> items, double denominator, at::Tensor& loss);
  void advance(Progress& progress);
  void log_metrics(const Loss& loss, double norm, double seconds);
  void evaluate();
  void save();
  Json identity() const;

  ChecklistTask task_;
  judge::YesNoTokens tokens_;
  TrainingRun run_;
  std::int64_t num_questions_ = 0, skipped_ = 0;
  Sums sums_;
  Pace pace_;
  Warnings warnings_{20};
  double last_loss_ = 0;
  std::optional<double> best_metric_;
  std::int64_t best_step_ = -1;
  std::future<std::vector<TaughtItem>> ahead_;
  std::int64_t ahead_step_ = 0;
};

}  // namespace beholder::train
