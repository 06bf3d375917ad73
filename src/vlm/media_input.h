// Preprocessed pixels as the tower takes them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "hf/chat.h"
#include "media/preprocess.h"
#include "vlm/packed.h"

namespace beholder::vlm {

Media make_media(const media::Patches& patches);

// When each frame of a video is shown, in seconds from its first, and how many there are per second.
struct FrameTimes {
  std::vector<double> times_s;
  double per_second = 1;
};
FrameTimes even_times(std::size_t frames, double per_second);

// A temporal patch is shown midway between its first and its last frame; the one that the last frame fills up repeats that frame's time.
Media make_video(const media::Patches& patches, const FrameTimes& frames, int temporal_patch_size);

// What stands for the medium in a chat.
hf::ChatPart chat_part(const Media& medium, std::int64_t merge_size);

}  // namespace beholder::vlm
