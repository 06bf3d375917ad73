#include "vlm/media_input.h"

#include <torch/types.h>

#include <algorithm>

#include "core/error.h"

namespace beholder::vlm {

Media make_media(const media::Patches& patches) {
  const std::int64_t rows = patches.rows();
  Media medium;
  medium.patches = at::empty({rows, static_cast<std::int64_t>(patches.values.size()) / rows}, at::kFloat);
  std::copy(patches.values.begin(), patches.values.end(), medium.patches.data_ptr<float>());
  medium.t = patches.grid_t;
  medium.h = patches.grid_h;
  medium.w = patches.grid_w;
  return medium;
}

FrameTimes even_times(std::size_t frames, double per_second) {
  FrameTimes out{{}, per_second};
  for (std::size_t i = 0; i < frames; ++i) out.times_s.push_back(static_cast<double>(i) / per_second);
  return out;
}

Media make_video(const media::Patches& patches, const FrameTimes& frames, int temporal_patch_size) {
  Media medium = make_media(patches);
  medium.video = true;
  medium.second_per_grid = temporal_patch_size / frames.per_second;
  const std::int64_t count = std::ssize(frames.times_s), step = temporal_patch_size;
  require_internal((count + step - 1) / step == medium.t, "a time for every frame");
  for (std::int64_t first = 0; first < count; first += step) {
    const std::int64_t last = std::min(first + step, count) - 1;
    medium.times_s.push_back((frames.times_s[static_cast<std::size_t>(first)] + frames.times_s[static_cast<std::size_t>(last)]) / 2);
  }
  return medium;
}

hf::ChatPart chat_part(const Media& medium, std::int64_t merge_size) {
  const auto kind = medium.video ? hf::ChatPart::Kind::kVideo : hf::ChatPart::Kind::kImage;
  return {kind, "", medium.t * medium.h * medium.w / (merge_size * merge_size), medium.times_s};
}

}  // namespace beholder::vlm
