// beholder checklist fit: weights of a checklist from human choices.
#include <cmath>
#include <filesystem>

#include "app/checklist_flags.h"
#include "app/checklist_view.h"
#include "app/command.h"
#include "checklist/fit.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "report/checklist_report.h"

namespace beholder::app {
namespace {

class ChecklistFitCommand : public Command {
 public:
  std::string name() const override { return "checklist fit"; }
  std::string summary() const override { return "weights of a checklist from human choices, never negative, with intervals over prompts"; }
  std::string operands() const override { return "ANSWERS PAIRS"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist fit answers.jsonl pairs.jsonl --out weights.json --report fit.html\n"
           "  beholder checklist fit answers.jsonl pairs.jsonl --questions VisionReward_image_qa.txt --masks visionreward-full --select "
           "30\n"
           "  beholder checklist fit VisionRewardDB-Video/train/ VisionRewardDB-Video/regression/ --questions VisionReward_video_qa.txt\n"
           "ANSWERS: one medium a line, as `checklist score` takes them, or a public data set with answers. PAIRS: preference records, or "
           "a public data set, whose media are ids or media of ANSWERS.";
  }
  void fields(FieldList& f) override {
    flags_.list_fields(f);
    f.add_choice("coding", flags_.coding, {"hard", "soft"}, "what an answer is worth: hard: yes 1, no -1; soft: 2 P(yes) - 1");
    options_.fields(f);
    f.group("Output");
    f.add("out", out_, "write the weights here, in VisionReward's form, with what was measured beside them");
    f.add("report", report_, "write a page with weights, intervals and the learning curve (one HTML file)");
  }

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 2) throw Error(Code::kUsage, "checklist fit", "takes answers and pairs", "e.g. answers.jsonl pairs.jsonl");
    const checklist::Checklist list = load_list(operands[0]);
    const checklist::AnswerTable table = checklist::read_answer_table(operands[0], list);
    const checklist::PairSet set = checklist::read_pairs(operands[1], list, table, flags_.how());
    Json fit = measured(list, set);
    fit["coding"] = flags_.coding;
    fit["answers"] = {{"media", table.sheets.size()}, {"bad_lines", table.bad}, {"unanswered", table.unanswered}};
    warn(fit);
    if (!out_.empty()) write_file_atomic(out_, fit.dump(1) + "\n");
    if (!report_.empty()) report::write_checklist_fit(report_, fit);
    if (json)
      fmt::print("{}\n", json_line(fit));
    else
      fmt::print("{}", show_checklist_fit(fit, terminal_style()));
    return 0;
  }

 private:
  // A plain question file does not say whether there is an alignment score; the answers do.
  checklist::Checklist load_list(const std::string& answers) const {
    checklist::Checklist list = checklist::load_checklist(flags_.questions, flags_.masks);
    const bool plain = flags_.masks.empty() && list.title == "Questions" && list.masks.empty() && !list.has_alignment();
    if (!plain || !std::filesystem::is_regular_file(answers)) return list;
    LineReader lines(answers);
    const auto first = lines.next();
    const Json json = first ? Json::parse(first->text, nullptr, false) : Json();
    return json.is_object() && json.contains("alignment") ? checklist::load_checklist(flags_.questions, "", true) : list;
  }

  Json measured(const checklist::Checklist& list, const checklist::PairSet& set) const {
    Progress progress("fitting", options_.bootstrap, "fits");
    std::int64_t done = 0;
    return checklist::fit_checklist(list, set, options_, [&] {
      check_interrupt("nothing was written; run it again");
      progress.update(std::min(++done, options_.bootstrap));
    });
  }

  static void warn(const Json& fit) {
    if (!fit["converged"].get<bool>()) log_warning("the fit has not converged; give --solver newton, or --l2 1e-3");
    if (fit["separable"].get<bool>())
      log_warning("the questions tell all pairs apart without fault, so the weights have no bound; give --l2 1e-3, or more pairs");
    std::int64_t never = 0;
    for (const Json& q : fit["questions"]) never += q["n"] == 0 ? 1 : 0;
    if (never > 0) log_warning(format("{} questions are never answered differently within a pair; their weights are 0", never));
  }

  ChecklistFlags flags_;
  checklist::FitOptions options_;
  std::string out_, report_;
};

}  // namespace

CommandPtr make_checklist_fit_command() {
  return std::make_unique<ChecklistFitCommand>();
}

}  // namespace beholder::app
