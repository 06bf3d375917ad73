#include "train/checklist_config.h"

#include "core/format.h"

namespace beholder::train {

ChecklistConfig::ChecklistConfig() {
  output_dir = "runs/checklist";
  learning_rate = 5e-4;
  per_device_train_batch_size = 8;
  warmup_steps = 50;
  eval_steps = 500;
}

void ChecklistConfig::fields(FieldList& f) {
  f.group("model and data");
  f.add("model", model, "checkpoint folder or org/name to start from");
  f.add("data", data,
        "annotated media: JSONL of answers as `checklist ask` writes them, or a public data set with answers (VisionRewardDB);\n"
        "empty: the embedded world, where the truth is known");
  f.add("eval_data", eval_data, "held-out annotated media; with the embedded world its validation split is used");
  f.add("questions", questions, "what the answers answer: image, video, a .toml checklist, or a file with a question a line");
  f.add("masks", masks, "what the lines of a question file are: visionreward-full, visionreward-select, or a .toml layout");
  f.add_range("questions_per_item", questions_per_item, 1, 1 << 16, "most questions asked about a medium in one update");
  trained_fields(f);
  optimisation_fields(f, "media");
  run_fields(f);
  f.add_range("eval_items", eval_items, 1, 1 << 20, "held-out media of an evaluation");
  f.add_choice("metric_for_best_model", metric_for_best_model, {"eval_balanced_accuracy", "eval_loss"},
               "what the best checkpoint is chosen by");
  f.group("embedded world");
  f.add("world_seed", world_seed, "seed of the world");
  f.add_range("video_share", video_share, 0, 1, "share of videos among its media");
  f.add_range("lessons", lessons, 0, 64, "simpler questions about a thing or two (\"Is the circle red?\") asked beside a medium's own");
  f.add("lesson_kinds", lesson_kinds,
        "what they ask: colour, binding (\"Is the circle red?\" where another thing is), row (\"… above the middle?\"), column\n"
        "(\"… left of the middle?\"), place (\"… left of the star?\"), relation (the checklist's question, of a prompt that is true\n"
        "or turned round); a kind that stands twice is asked twice as often");
}

std::vector<world::LessonKind> ChecklistConfig::lessons_of() const {
  std::vector<world::LessonKind> kinds;
  for (const std::string& name : lesson_kinds) {
    const auto kind = world::lesson_kind_named(name);
    require_field(kind.has_value(), "lesson_kinds", format("\"{}\" is not a kind of lesson", name),
                  "choose from colour, binding, row, column, place, relation");
    kinds.push_back(*kind);
  }
  require_field(!kinds.empty() || lessons == 0, "lesson_kinds", "is empty", "name at least one kind, or set lessons = 0");
  return kinds;
}

void validate(const ChecklistConfig& c) {
  validate_run(c);
  c.lessons_of();
  require_field(!c.model.empty(), "model", "is empty", "name a checkpoint to start from");
  require_field(!c.data.empty() || c.eval_data.empty(), "eval_data", "is set while data is the embedded world",
                "set data too, or leave both empty");
  require_field(c.data.empty() || c.eval_steps == 0 || !c.eval_data.empty(), "eval_steps", "is set without eval_data",
                "name a held-out file, or set eval_steps = 0");
}

Json numeric_config(ChecklistConfig config) {
  FieldList list;
  config.fields(list);
  Json json = numeric_part(list);
  for (const char* key : {"eval_items", "metric_for_best_model", "eval_data"}) json.erase(key);
  return json;
}

}  // namespace beholder::train
