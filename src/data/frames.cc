#include "data/frames.h"

#include <span>
#include <string>

#include "core/file.h"
#include "media/media_info.h"
#include "media/video.h"

namespace beholder::data {
namespace {

constexpr double kAllFrames = 1000;  // frames per second: more than any video has

}  // namespace

std::vector<media::Image> load_frames(const MediaRef& ref, int most) {
  std::vector<media::Image> frames;
  if (ref.is_frame_list()) {
    for (const std::string& path : ref.frames) frames.push_back(media::load_image(path));
    return frames;
  }
  const std::string file = ref.bytes ? std::string() : read_file(ref.path);
  const auto bytes = std::as_bytes(std::span(ref.bytes ? *ref.bytes : file));
  if (most > 1 && media::media_kind(bytes) == media::MediaKind::kVideo)
    return media::decode_video(bytes, ref.path, {.fps = kAllFrames, .max_frames = most}).frames;
  frames.push_back(media::decode_image(bytes, ref.path));
  return frames;
}

}  // namespace beholder::data
