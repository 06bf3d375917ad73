// beholder train checklist: a model learns to answer a checklist's questions.
#include "app/command.h"
#include "app/train_outcome.h"
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
    config_.model = named_model(config_.model);
    print_outcome(train::train_checklist(config_), json, "model", config_.metric_for_best_model);
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
