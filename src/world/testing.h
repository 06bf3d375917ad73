// What the tests of this room share.
#pragma once

#include "world/item.h"

namespace beholder::world {

inline constexpr Split kAllSplits[] = {Split::kTrain,          Split::kValidation,   Split::kTest,
                                       Split::kOodCombination, Split::kOodGenerator, Split::kOodVoters};

inline Item item_at(Split split, std::uint64_t index, bool video = false, std::int64_t media = 2) {
  WorldConfig config;
  config.video = video;
  config.media = media;
  return make_item(config, split, index);
}

}  // namespace beholder::world
