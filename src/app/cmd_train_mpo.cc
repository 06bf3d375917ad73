// beholder train mpo: aligns a generator with preferred pairs.
#include "app/command.h"
#include "app/train_outcome.h"
#include "train/train_flow.h"

namespace beholder::app {
namespace {

class TrainMpoCommand : public Command {
 public:
  std::string name() const override { return "train mpo"; }
  std::string summary() const override { return "align a generator with pairs (diffusion-DPO against a frozen reference); resumes"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder generate --model GENERATOR --prompts prompts.txt --num 8 --out samples\n"
           "  beholder mpo pairs answers.jsonl --weights weights.json --out pairs.jsonl\n"
           "  beholder train mpo --model GENERATOR --data pairs.jsonl --output-dir runs/mpo\n"
           "  beholder train mpo --config recipes/mpo.toml --beta 2000\n"
           "Watch accuracy (share of pairs told apart better than by the reference), margin, chosen and rejected (change of the error on\n"
           "the better and the worse medium) in OUTPUT_DIR/metrics.jsonl. The result is OUTPUT_DIR/final.";
  }
  void fields(FieldList& f) override { config_.fields(f); }

  int run(const std::vector<std::string>&) override {
    print_outcome(train::train_mpo(config_), json, "generator");
    return 0;
  }

 private:
  train::MpoConfig config_;
};

}  // namespace

CommandPtr make_train_mpo_command() {
  return std::make_unique<TrainMpoCommand>();
}

}  // namespace beholder::app
