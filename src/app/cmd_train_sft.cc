// beholder train sft: supervised fine-tuning, of a checkpoint or from nothing.
#include "app/command.h"
#include "core/format.h"
#include "train/sft.h"

namespace beholder::app {
namespace {

class TrainSftCommand : public Command {
 public:
  std::string name() const override { return "train sft"; }
  std::string summary() const override { return "supervised fine-tuning on completions; resumes where it was stopped"; }
  std::string examples() const override {
    return "Examples:\n  beholder train sft --config recipes/embedded.toml            the embedded judge, from nothing\n"
           "  beholder train sft --config recipes/sft_jsonl.toml --model DIR --data train.jsonl --output-dir runs/mine\n"
           "Stop with Ctrl-C (a checkpoint is written at the next step), go on with the same command. The result is OUTPUT_DIR/final.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    const train::SftOutcome outcome = train::train_sft(config_);
    if (json)
      fmt::print("{}\n", json_line({{"step", outcome.result.step},
                                    {"interrupted", outcome.result.interrupted},
                                    {"skipped", outcome.result.skipped},
                                    {"loss", outcome.result.loss},
                                    {"final", outcome.final_dir}}));
    else if (outcome.result.interrupted)
      fmt::print("stopped after step {}; the same command goes on from there\n", outcome.result.step);
    else
      fmt::print("{} steps done, loss {:.4f}; the model is in {}\n", outcome.result.step, outcome.result.loss, outcome.final_dir);
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
