// What one picture, or one frame, shows.
#pragma once

#include <vector>

#include "world/inspect.h"
#include "world/inspect_quality.h"

namespace beholder::world::inspection {

struct View {
  std::vector<Object> objects;  // the largest first
  std::vector<ShapeEvidence> evidence;
  double noise = 0, blur_px = 0, warp = 0;  // as Quality
  Ground ground;
};

// `image` has at least one pixel.
View look_at(const media::Image& image);
inline constexpr std::size_t kMostObjects = 64;  // smaller ones are left out

}  // namespace beholder::world::inspection
