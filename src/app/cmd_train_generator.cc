// beholder train generator: a text-conditioned flow-matching generator of pictures or short videos.
#include "app/command.h"
#include "app/train_outcome.h"
#include "train/train_flow.h"

namespace beholder::app {
namespace {

class TrainGeneratorCommand : public Command {
 public:
  std::string name() const override { return "train generator"; }
  std::string summary() const override {
    return "train a generator of pictures or short videos by flow matching; resumes where it was stopped";
  }
  std::string examples() const override {
    return "Examples:\n  beholder train generator --config recipes/generator.toml           pictures of the embedded world, from nothing\n"
           "  beholder train generator --config recipes/generator_video.toml     its videos of 8 frames\n"
           "  beholder train generator --model DIR --data records.jsonl --output-dir runs/mine\n"
           "Look at OUTPUT_DIR/samples/step-N.png while it runs. Stop with Ctrl-C (a checkpoint is written at the next step), go on with "
           "the\n"
           "same command. The result is OUTPUT_DIR/final, for `beholder generate --model`.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    print_outcome(train::train_generator(config_), json, "generator");
    return 0;
  }

 private:
  train::GeneratorRunConfig config_;
};

}  // namespace

CommandPtr make_train_generator_command() {
  return std::make_unique<TrainGeneratorCommand>();
}

}  // namespace beholder::app
