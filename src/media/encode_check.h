// What every video encoder asks of its frames. Internal to the room.
#pragma once

#include <span>

#include "core/error.h"
#include "core/format.h"
#include "media/image.h"

namespace beholder::media {

inline void check_frames(std::span<const Image> frames, double fps, const char* kind) {
  if (frames.empty()) throw Error(Code::kInvalidInput, kind, "there are no frames to write");
  if (!(fps >= 0.1 && fps <= 1000)) throw Error(Code::kInvalidInput, kind, format("{} frames per second", fps), "choose 0.1 to 1000");
  for (const Image& frame : frames) {
    require_internal(frame.width > 0 && frame.height > 0 && frame.rgb.size() == std::size_t{3} * frame.width * frame.height,
                     "a frame's buffer fits its size");
    if (frame.width != frames[0].width || frame.height != frames[0].height)
      throw Error(Code::kInvalidInput, kind,
                  format("frames of {} x {} and of {} x {} px", frames[0].width, frames[0].height, frame.width, frame.height),
                  "give frames of one size");
  }
}

}  // namespace beholder::media
