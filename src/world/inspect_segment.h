// Which pixels of a picture belong to a coloured thing, one region per thing.
#pragma once

#include <vector>

#include "world/inspect_plane.h"
#include "world/scene.h"

namespace beholder::world::inspection {

struct Region {
  Colour colour = Colour::kRed;
  std::vector<int> pixels;  // places in the plane; holes are filled
  double x = 0, y = 0;      // centre of the pixels, px
  double axis = 0;          // rad, in the plane of (a, b): where its colour lies, seen from the background's
  double chroma = 0;        // of its inner part, of 255
};

// The colour of the background, which is grey or nearly so: the middle one of the picture's border.
struct Tint {
  float a = 0, b = 0;
};
Tint background_tint(const Opponent& image);

// The named colour of a hue; the names divide the circle midway between the colours that bear them.
Colour colour_of(double hue);

// Regions of at least kLeastArea, the largest first. `image` is smoothed so that noise of sigma `noise` (of 255) is left in a and b.
std::vector<Region> find_regions(const Opponent& image, const Tint& tint, double noise);
inline constexpr int kLeastArea = 60;  // px; the smallest things of the world cover 160

// How much each pixel shows of the region's colour: about 1 inside, 0 outside and on other regions' pixels (`others`: true there).
Plane matte_of(const Opponent& image, const Tint& tint, const Region& region, const std::vector<bool>& others);
inline constexpr double kEdgeLevel = 0.35;  // of the matte: the outline runs here, so that a darker rim lies inside

}  // namespace beholder::world::inspection
