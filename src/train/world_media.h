// The pictures or videos of an item of the embedded world, as a judge takes them.
#pragma once

#include <vector>

#include "judge/judge.h"
#include "media/preprocess.h"
#include "world/item.h"

namespace beholder::train {

// Named "<item>-1", "<item>-2", …, which stands for their content too.
std::vector<judge::Medium> world_media(const world::Item& item, const media::PatchConfig& patches);

}  // namespace beholder::train
