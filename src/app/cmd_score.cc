// beholder score: each medium alone with its prompt, from 0 to 10.
#include "app/command.h"
#include "app/judge_run.h"
#include "app/judge_view.h"
#include "core/error.h"
#include "judge/score.h"

namespace beholder::app {
namespace {

class ScoreCommand : public Command {
 public:
  std::string name() const override { return "score"; }
  std::string summary() const override { return "score images or videos one by one, 0 to 10"; }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder score --prompt \"a yellow triangle\" a.png b.png\n"
           "  beholder score --in records.jsonl --out scores.jsonl --votes 4";
  }
  void fields(FieldList& f) override {
    flags_.fields(f);
    options_.sampling_fields(f);
  }

  int run(const std::vector<std::string>& operands) override {
    JudgeJob job;
    job.unit = "records";
    job.refuse = [](const JudgeItem& item) {
      if (item.media.empty()) throw Error(Code::kInvalidInput, "score", "none of the media can be read", "see the warnings above");
    };
    job.questions = [this](const JudgeItem& item) { return judge::score_questions({item.prompt, item.media}, options_); };
    job.result = [](const JudgeItem& item, std::span<const judge::Answered> answers) {
      return to_json(judge::read_scores({item.prompt, item.media}, answers));
    };
    job.show = [](const Json& scores) { return show_scores(scores, terminal_style()); };
    run_judge(flags_, options_, operands, json, job);
    return 0;
  }

 private:
  JudgeRunFlags flags_;
  judge::JudgeOptions options_;
};

}  // namespace

CommandPtr make_score_command() {
  return std::make_unique<ScoreCommand>();
}

}  // namespace beholder::app
