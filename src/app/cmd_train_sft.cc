// beholder train sft: supervised fine-tuning, of a checkpoint or from nothing.
#include "app/command.h"
#include "app/train_outcome.h"
#include "train/sft.h"

namespace beholder::app {
namespace {

class TrainSftCommand : public Command {
 public:
  std::string name() const override { return "train sft"; }
  std::string summary() const override { return "supervised fine-tuning on completions; resumes where it was stopped"; }
  std::string examples() const override {
    return "Examples:\n  beholder train sft --config recipes/cold_start.toml            the embedded judge, from nothing\n"
           "  beholder train sft --config recipes/sft_jsonl.toml --model DIR --data train.jsonl --output-dir runs/mine\n"
           "Stop with Ctrl-C (a checkpoint is written at the next step), go on with the same command. The result is OUTPUT_DIR/final.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    print_outcome(train::train_sft(config_), json, "model");
    return 0;
  }

 private:
  train::SftConfig config_;
};

}  // namespace

CommandPtr make_train_sft_command() {
  return std::make_unique<TrainSftCommand>();
}

}  // namespace beholder::app
