// The TOML files of checklist/lists as they travel in the program.
#pragma once

#include <string_view>

namespace beholder::checklist {

extern const std::string_view kImageList, kVideoList, kWorldList, kWorldVideoList, kVisionRewardFull, kVisionRewardSelect,
    kVisionRewardVideo;

}  // namespace beholder::checklist
