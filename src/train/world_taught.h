// Scenes of the embedded world with the true answers to its checklists' questions ("world" for pictures, "world-video" for videos).
#pragma once

#include "train/taught_source.h"
#include "world/item.h"
#include "world/questions.h"

namespace beholder::train {

struct WorldTaughtOptions : TaughtOptions {
  std::int64_t world_seed = 1;
  double video_share = 0.3;
  std::int64_t lessons = 0;  // of an item, beside its questions
  std::vector<world::LessonKind> lesson_kinds;
  bool measure_lessons = false;  // whole() asks one of every kind in place of the checklists' questions; questions() are the kinds
};

// The training split draws new scenes for every step; of any other the first ones, always the same. `spec` must outlive it.
std::unique_ptr<TaughtSource> world_taught(const WorldTaughtOptions& options, world::Split split, const judge::JudgeSpec& spec);

}  // namespace beholder::train
