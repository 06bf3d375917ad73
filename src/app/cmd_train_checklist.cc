// beholder train checklist: a model learns to answer a checklist's questions.
#include "app/command.h"
#include "core/format.h"
#include "train/checklist.h"

namespace beholder::app {
namespace {

class TrainChecklistCommand : public Command {
 public:
  std::string name() const override { return "train checklist"; }
  std::string summary() const override { return "teach a model to answer yes/no questions about media; resumes where it was stopped"; }
  std::string examples() const override {
    return "Examples:\n  beholder train checklist --config recipes/checklist.toml     the embedded judge's sibling, on the embedded world\n"
           "  beholder train checklist --model DIR --data answers.jsonl --questions mine.toml --eval-data held_out.jsonl\n"
           "  beholder train checklist --model DIR --data VisionRewardDB-Image/ --questions VisionReward_image_qa.txt \\\n"
           "      --masks visionreward-full --eval-steps 0 --learning-rate 1e-6 --use-peft\n"
           "Of each question yes and no are asked equally often. The result is OUTPUT_DIR/final, the best on validation OUTPUT_DIR/best.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    if (config_.model.empty()) config_.model = embedded_model_dir();
    const train::ChecklistOutcome outcome = train::train_checklist(config_);
    const train::ChecklistResult& result = outcome.result;
    if (json)
      fmt::print("{}\n", json_line({{"step", result.step},
                                    {"interrupted", result.interrupted},
                                    {"skipped", result.skipped},
                                    {"loss", result.loss},
                                    {"best_metric", result.best_metric ? Json(*result.best_metric) : Json()},
                                    {"best_step", result.best_step},
                                    {"final", outcome.final_dir}}));
    else if (result.interrupted)
      fmt::print("stopped after step {}; the same command goes on from there\n", result.step);
    else
      fmt::print("{} steps done, loss {:.4f}; {}the model is in {}\n", result.step, result.loss,
                 result.best_metric
                     ? format("best {} {:.4f} after step {}; ", config_.metric_for_best_model, *result.best_metric, result.best_step)
                     : std::string(),
                 outcome.final_dir);
    return 0;
  }

 private:
  train::ChecklistConfig config_;
};

}  // namespace

CommandPtr make_train_checklist_command() {
  return std::make_unique<TrainChecklistCommand>();
}

}  // namespace beholder::app
