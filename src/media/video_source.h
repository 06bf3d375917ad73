// What can be opened as a sequence of frames. Internal to the room.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "media/formats.h"

namespace beholder::media {

class VideoSource {
 public:
  virtual ~VideoSource() = default;
  virtual std::string format() const = 0;
  virtual std::vector<double> times_s() const = 0;                        // of all frames, ascending from 0; not empty
  virtual std::vector<Image> decode(const std::vector<int>& wanted) = 0;  // ascending indices
};

// `bytes` must outlive the source.
std::unique_ptr<VideoSource> open_webp_animation(Bytes bytes, std::string_view where, const DecodeLimits& limits);
std::unique_ptr<VideoSource> open_container(Bytes bytes, std::string_view where, const DecodeLimits& limits);

}  // namespace beholder::media
