// beholder compare: which of two media people would prefer, with a probability and every vote.
#include "app/command.h"
#include "app/judge_run.h"
#include "app/judge_view.h"
#include "core/error.h"
#include "core/format.h"
#include "judge/compare.h"

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
    JudgeJob job;
    job.unit = "comparisons";
    job.refuse = [](const JudgeItem& item) {
      if (item.media.size() == 2 && item.skipped.empty()) return;
      throw Error(
          Code::kInvalidInput, "compare",
          format("{} of {} media can be read, a comparison is between two", item.media.size(), item.media.size() + item.skipped.size()),
          "give exactly two; `beholder rank` takes more");
    };
    job.questions = [this](const JudgeItem& item) { return judge::compare_questions(task(item), options_); };
    job.result = [this](const JudgeItem& item, std::span<const judge::Answered> answers) {
      return to_json(judge::read_comparison(task(item), answers, options_));
    };
    job.show = [](const Json& comparison) { return show_comparison(comparison, terminal_style()); };
    run_judge(flags_, options_, operands, json, job);
    return 0;
  }

 private:
  static judge::CompareTask task(const JudgeItem& item) { return {item.prompt, item.media[0], item.media[1]}; }
  JudgeRunFlags flags_;
  judge::JudgeOptions options_;
};

}  // namespace

CommandPtr make_compare_command() {
  return std::make_unique<CompareCommand>();
}

}  // namespace beholder::app
