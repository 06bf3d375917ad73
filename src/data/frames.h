// The pixels of a medium that a record names.
#pragma once

#include <vector>

#include "data/record.h"
#include "media/image.h"

namespace beholder::data {

// A video's frames in order, evenly spread where it has more than `most`; a still picture is one frame. With `most` 1 the medium is read as
// a still picture (of an animation the first). Frames of a list are read as they are. Throws what the decoders throw.
std::vector<media::Image> load_frames(const MediaRef& ref, int most);

}  // namespace beholder::data
