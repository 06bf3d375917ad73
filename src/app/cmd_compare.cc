// beholder compare: which of two media people would prefer, with a probability and every vote.
#include "app/command.h"
#include "app/compare_job.h"
#include "app/judge_run.h"

namespace beholder::app {
namespace {

class CompareCommand : public Command {
 public:
  std::string name() const override { return "compare"; }
  std::string summary() const override { return "which of two images or videos people would prefer, and how surely"; }
  std::string operands() const override { return "two images or videos"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder compare --prompt \"three green stars\" a.png b.png\n"
           "  beholder compare --prompt \"three green stars\" a.png b.png --votes 8 --json\n"
           "  beholder compare --in pairs.jsonl --out verdicts.jsonl";
  }
  void fields(FieldList& f) override {
    flags_.fields(f);
    options_.comparison_fields(f);
    options_.sampling_fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    FieldList list;
    flags_.judge_fields(list);
    options_.comparison_fields(list);
    options_.sampling_fields(list);
    JudgeJob job = compare_job(options_);
    job.settings = result_settings(list, options_);
    run_judge(flags_, options_, operands, json, job);
    return 0;
  }

 private:
  JudgeRunFlags flags_;
  judge::JudgeOptions options_;
};

}  // namespace

CommandPtr make_compare_command() {
  return std::make_unique<CompareCommand>();
}

}  // namespace beholder::app
