// beholder checklist compare: which of two has the higher checklist score, and which questions decided.
#include "app/checklist_asking.h"
#include "app/checklist_flags.h"
#include "app/checklist_view.h"
#include "app/command.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "report/checklist_report.h"

namespace beholder::app {
namespace {

class ChecklistCompareCommand : public Command {
 public:
  std::string name() const override { return "checklist compare"; }
  std::string summary() const override { return "which of two has the higher checklist score, and which questions decided"; }
  std::string operands() const override { return "ANSWERS FIRST SECOND, or two images or videos"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist compare answers.jsonl a.png b.png --weights weights.json\n"
           "  beholder checklist compare answers.jsonl 17 18 --questions VisionReward_video_qa_select.txt --weights weight.json\n"
           "  beholder checklist compare --questions world --weights weights.json --prompt \"a red circle\" a.png b.png\n"
           "Two media are asked first, as by `checklist ask`. FIRST and SECOND are ids or media of lines of ANSWERS. An exact tie goes to "
           "the second, as in VisionReward's code, and is "
           "called a tie.";
  }
  void fields(FieldList& f) override {
    flags_.scoring_fields(f);
    ask_.ask_fields(f);
    f.group("Output");
    f.add("report", report_, "write a page with the questions that decided (one HTML file)");
  }

  int run(const std::vector<std::string>& operands) override {
    if (!ask_.in.empty())
      throw Error(Code::kUsage, "--in", "two media are compared at a time", "name the two, or see `checklist score --in`");
    if (operands.size() != 2 && operands.size() != 3)
      throw Error(Code::kUsage, "checklist compare", "takes two media, or answers and two of their ids", "e.g. answers.jsonl a.png b.png");
    const WeightedChecklist weighted(flags_);
    const Json record = operands.size() == 2 ? asked(weighted, operands) : stored(weighted, operands);
    if (json)
      fmt::print("{}\n", json_line(record));
    else
      fmt::print("{}", show_checklist_choice(record, terminal_style()));
    if (!report_.empty()) report::write_checklist_choice(report_, record);
    return 0;
  }

 private:
  Json stored(const WeightedChecklist& weighted, const std::vector<std::string>& operands) const {
    const checklist::AnswerTable table = checklist::read_answer_table(operands[0], weighted.list);
    return checklist::compare_record(weighted.scoring(), sheet(table, operands, 1), sheet(table, operands, 2));
  }

  Json asked(const WeightedChecklist& weighted, const std::vector<std::string>& operands) const {
    ChecklistAsker asker(ask_, weighted.list);
    std::vector<ChecklistAsker::Item> items;
    for (const std::string& path : operands) {
      data::MediaRef ref;
      ref.path = path;
      items.push_back(asker.load(ref, path, path, ask_.prompt));
    }
    std::vector<checklist::AnswerSheet> sheets;
    for (const Json& record : asker.ask(items)) sheets.push_back(checklist::parse_answers(record, weighted.list, "answers"));
    return checklist::compare_record(weighted.scoring(), sheets[0], sheets[1]);
  }

  static const checklist::AnswerSheet& sheet(const checklist::AnswerTable& table, const std::vector<std::string>& operands,
                                             std::size_t at) {
    const checklist::AnswerSheet* found = table.find(operands[at]);
    if (!found)
      for (const checklist::AnswerSheet& s : table.sheets)
        if (s.media == operands[at]) {
          if (found)
            throw Error(Code::kInvalidInput, operands[0], format("{} has answers to several prompts", operands[at]), "name its id");
          found = &s;
        }
    if (found) return *found;
    throw Error(Code::kNotFound, operands[0], format("no answers for \"{}\"", operands[at]),
                format("it holds {} others, the first is \"{}\"", table.sheets.size(), table.sheets[0].name()));
  }

  ChecklistFlags flags_;
  AskFlags ask_;
  std::string report_;
};

}  // namespace

CommandPtr make_checklist_compare_command() {
  return std::make_unique<ChecklistCompareCommand>();
}

}  // namespace beholder::app
