// Videos as files: animated WebP, which every build writes, and MP4 where the build has the video library. Any thread may call.
#pragma once

#include <span>
#include <string>

#include "media/image.h"

namespace beholder::media {

// Lossless, each frame 1/fps seconds (to the millisecond), endlessly repeated. kInvalidInput for no frames, frames of several sizes or an
// fps outside 0.1..1000.
std::string encode_webp_animation(std::span<const Image> frames, double fps);

// H.264 (MPEG-4 part 2 where there is no H.264 encoder), yuv420p, which has half of the colour's resolution. As above, and kUnsupported
// without a video library or an encoder, or for sides that are odd.
std::string encode_mp4(std::span<const Image> frames, double fps);

}  // namespace beholder::media
