#include "app/checklist_flags.h"

#include "core/error.h"

namespace beholder::app {
namespace {

checklist::Weights weights_of(const ChecklistFlags& flags) {
  need_flag(flags.weights, "--weights", "name a weight file; `beholder checklist fit` makes one");
  return checklist::read_weights(flags.weights);
}

}  // namespace

void ChecklistFlags::list_fields(FieldList& f) {
  f.group("The checklist");
  f.add("questions", questions, "image, video, world, world-video, a .toml checklist, or a file with a question a line (VisionReward's)");
  f.add("masks", masks,
        "what the lines of a question file are: visionreward-full, visionreward-select, visionreward-video, or a .toml layout");
}

void ChecklistFlags::scoring_fields(FieldList& f) {
  list_fields(f);
  f.add("weights", weights, "weight file: VisionReward's, or what `checklist fit` wrote");
  f.add_choice("coding", coding, {"hard", "soft"}, "what an answer is worth: hard: yes 1, no -1; soft: 2 P(yes) - 1");
}

void need_flag(const std::string& path, const char* flag, const char* what) {
  if (path.empty()) throw Error(Code::kUsage, flag, "is missing", what);
}

WeightedChecklist::WeightedChecklist(const ChecklistFlags& flags)
    : weights(weights_of(flags)), list(checklist::load_weighted_checklist(flags.questions, flags.masks, weights)), coding(flags.how()) {}

}  // namespace beholder::app
