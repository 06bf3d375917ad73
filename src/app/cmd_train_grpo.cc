// beholder train grpo: reinforcement learning of a judge from preferences.
#include "app/command.h"
#include "app/train_outcome.h"
#include "train/grpo.h"

namespace beholder::app {
namespace {

class TrainGrpoCommand : public Command {
 public:
  std::string name() const override { return "train grpo"; }
  std::string summary() const override { return "reinforcement learning of a judge from preferences (GRPO); resumes where it was stopped"; }
  std::string examples() const override {
    return "Examples:\n  beholder train grpo --config recipes/soft.toml                 soft reward in the embedded world\n"
           "  beholder train grpo --config recipes/listener.toml             with a frozen listener\n"
           "  beholder train grpo --model DIR --data train.jsonl --eval-data val.jsonl --eval-steps 50 --output-dir runs/mine\n"
           "A record has a target: {\"pair\": q} (share for the first medium) or {\"ranking\": [1, 2, 2]}.\n"
           "Stop with Ctrl-C (a checkpoint is written at the next step), go on with the same command. The result is OUTPUT_DIR/final,\n"
           "the best by validation OUTPUT_DIR/best, what was sampled OUTPUT_DIR/completions.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    config_.model = named_model(config_.model);
    print_outcome(train::train_grpo(config_), json, "model", config_.metric_for_best_model);
    return 0;
  }

 private:
  train::GrpoConfig config_;
};

}  // namespace

CommandPtr make_train_grpo_command() {
  return std::make_unique<TrainGrpoCommand>();
}

}  // namespace beholder::app
