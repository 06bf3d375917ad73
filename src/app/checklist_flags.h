// What the checklist commands share: which questions, which weights, how answers count, where they are stored.
#pragma once

#include <string>

#include "checklist/answers.h"
#include "checklist/score.h"
#include "core/config.h"

namespace beholder::app {

struct ChecklistFlags {
  std::string questions = "image", masks, weights, coding = "hard";

  void list_fields(FieldList& f);     // --questions, --masks
  void scoring_fields(FieldList& f);  // those, --weights and --coding
  checklist::Coding how() const { return coding == "soft" ? checklist::Coding::kSoft : checklist::Coding::kHard; }
};

// A checklist with its weights, which must belong together.
struct WeightedChecklist {
  explicit WeightedChecklist(const ChecklistFlags& flags);
  checklist::Weights weights;
  checklist::Checklist list;
  checklist::Coding coding;
  checklist::Scoring scoring() const { return {list, weights, coding}; }
};

// kUsage where `path` is empty.
void need_flag(const std::string& path, const char* flag, const char* what);

}  // namespace beholder::app
