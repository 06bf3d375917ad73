// beholder checklist tree: a checklist checked and shown, dimension by dimension.
#include "app/checklist_flags.h"
#include "app/checklist_view.h"
#include "app/command.h"
#include "checklist/tree.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "report/checklist_report.h"

namespace beholder::app {
namespace {

class ChecklistTreeCommand : public Command {
 public:
  std::string name() const override { return "checklist tree"; }
  std::string summary() const override { return "check a checklist and show its dimensions, levels and questions"; }
  std::string examples() const override {
    return "Examples:\n"
           "  beholder checklist tree                                  the checklist for images\n"
           "  beholder checklist tree --questions video --report tree.html\n"
           "  beholder checklist tree --questions VisionReward_image_qa.txt --masks visionreward-full --weights weight.json";
  }
  void fields(FieldList& f) override {
    flags_.list_fields(f);
    f.add("weights", flags_.weights, "show these weights beside the questions");
    f.add("report", report_, "write the tree as a page (one HTML file)");
  }

  int run(const std::vector<std::string>&) override {
    checklist::Weights weights;
    checklist::Checklist list;
    if (flags_.weights.empty()) {
      list = checklist::load_checklist(flags_.questions, flags_.masks);
    } else {
      weights = checklist::read_weights(flags_.weights);
      list = checklist::load_weighted_checklist(flags_.questions, flags_.masks, weights);
    }
    const Json tree = checklist::tree_record(list, weights.coef);
    if (json)
      fmt::print("{}\n", json_line(tree));
    else
      fmt::print("{}", show_checklist_tree(tree, terminal_style()));
    if (!report_.empty()) report::write_checklist_tree(report_, tree);
    return 0;
  }

 private:
  ChecklistFlags flags_;
  std::string report_;
};

}  // namespace

CommandPtr make_checklist_tree_command() {
  return std::make_unique<ChecklistTreeCommand>();
}

}  // namespace beholder::app
