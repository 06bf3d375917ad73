// What `train checklist` is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/run_config.h"
#include "world/questions.h"

namespace beholder::train {

struct ChecklistConfig : RunConfig {
  std::string data;                 // annotated media (JSONL, or a public data set with answers); empty: the embedded world
  std::string eval_data;            // the same, held out; with the world: its validation split
  std::string questions = "image";  // whose answers the data hold; the world has its own
  std::string masks;
  std::int64_t questions_per_item = 16;
  std::int64_t eval_items = 256;
  std::string metric_for_best_model = "eval_balanced_accuracy";
  std::int64_t world_seed = 1;
  double video_share = 0.3;
  std::int64_t lessons = 0;
  std::vector<std::string> lesson_kinds = {"colour", "binding", "row", "column", "place", "relation"};

  ChecklistConfig();
  void fields(FieldList& f);
  std::vector<world::LessonKind> lessons_of() const;  // kUsage names a kind that there is not
};

// Checks what a field list cannot: kUsage that names the field and the way out.
void validate(const ChecklistConfig& config);

Json numeric_config(ChecklistConfig config);

}  // namespace beholder::train
