// beholder checklist ask: a checklist's questions put to media, answers as `checklist score` and `checklist fit` read them.
#include "app/checklist_asking.h"
#include "app/checklist_flags.h"
#include "app/command.h"
#include "app/jsonl_out.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"

namespace beholder::app {
namespace {

class ChecklistAskCommand : public Command {
 public:
  std::string name() const override { return "checklist ask"; }
  std::string summary() const override { return "ask a model a checklist's yes/no questions about images or videos"; }
  std::string operands() const override { return "images or videos, or folders of them"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist ask --questions world --prompt \"a red circle and a blue square\" a.png b.png --out answers.jsonl\n"
           "  beholder checklist ask --model Qwen/Qwen2.5-VL-7B-Instruct --in records.jsonl --out answers.jsonl\n"
           "  beholder checklist ask --model DIR --questions VisionReward_image_qa_select.txt --masks visionreward-select candidates/\n"
           "One line per medium: {\"id\", \"prompt\", \"media\", \"alignment\", \"answers\": [P(yes) …]}, for `checklist score`, `compare` "
           "and "
           "`fit`.\nThe medium is read once, whatever the number of questions.";
  }
  void fields(FieldList& f) override {
    flags_.list_fields(f);
    f.add_choice("answers", answers_, {"soft", "hard"}, "soft: P(yes); hard: yes where it is above 1/2, else no");
    ask_.ask_fields(f);
    f.group("Output");
    f.add("out", ask_.out, "write the answers here as JSON lines");
    f.add("resume", ask_.resume, "continue the run whose answers stand in --out");
  }

  int run(const std::vector<std::string>& operands) override {
    check_apart(ask_.in, ask_.out);
    const checklist::Checklist list = checklist::load_checklist(flags_.questions, flags_.masks);
    JsonlOut out(ask_.out, ask_.resume);
    failed_ = out.before().failed;
    AskSink sink = sink_to(out);
    sink.take = [&](const Json& record) { out.write(answers_ == "hard" ? hard(record) : record); };
    const AskCounts counts = ask_all(ask_, list, operands, sink);
    failed_ += counts.failed;
    log_info(format("{} media asked {} questions each; {} could not be asked; {} came again and were asked once{}", counts.media - failed_,
                    list.questions.size() + (list.has_alignment() ? 1 : 0), failed_, counts.repeated,
                    out.is_file() ? "; in " + out.path() : ""));
    if (counts.media > 0 && counts.media == failed_)
      throw Error(Code::kInvalidInput, ask_.in, format("none of the {} media could be asked about", counts.media),
                  "see the warnings above");
    return 0;
  }

 private:
  static Json hard(Json record) {
    if (record.contains("answers"))
      for (Json& p : record["answers"]) p = p.get<double>() > 0.5 ? "yes" : "no";
    return record;
  }

  ChecklistFlags flags_;
  AskFlags ask_;
  std::string answers_ = "soft";
  std::int64_t failed_ = 0;
};

}  // namespace

CommandPtr make_checklist_ask_command() {
  return std::make_unique<ChecklistAskCommand>();
}

}  // namespace beholder::app
