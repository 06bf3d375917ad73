#include "data/frames.h"

#include <span>
#include <string>

#include "media/video.h"

namespace beholder::data {
namespace {

constexpr double kAllFrames = 1000;  // frames per second: more than any video has

std::span<const std::byte> frame_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

std::vector<media::Image> load_frames(const MediaRef& ref, int most) {
  std::vector<media::Image> frames;
  if (ref.is_frame_list()) {
    for (const std::string& path : ref.frames) frames.push_back(media::load_image(path));
    return frames;
  }
  if (most == 1) {
    frames.push_back(ref.bytes ? media::decode_image(frame_bytes(*ref.bytes), ref.path) : media::load_image(ref.path));
    return frames;
  }
  const media::VideoOptions all{.fps = kAllFrames, .max_frames = most};
  return (ref.bytes ? media::decode_video(frame_bytes(*ref.bytes), ref.path, all) : media::load_video(ref.path, all)).frames;
}

}  // namespace beholder::data
