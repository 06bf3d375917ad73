// How well a picture is made, in the units of world::Quality, and whether its background is plain.
#pragma once

#include <span>
#include <vector>

#include "media/image.h"
#include "world/inspect_plane.h"

namespace beholder::world::inspection {

// Sigma of white noise, of 255: the middle response to a filter that flat areas, slopes and saddles leave at 0 (Immerkaer, Computer
// Vision and Image Understanding 64, 1996).
double noise_of(const media::Image& image);

// The background's brightness and its standard deviation but for noise, of 255. `thing`: true for pixels to leave out.
struct Ground {
  double light = 0, variation = 0;
};
Ground ground_of(const Plane& light, const std::vector<bool>& thing);

// Amplitude of the change of brightness from frame to frame, as Quality::flicker. 0 for a single frame.
double flicker_of(std::span<const media::Image> frames);

}  // namespace beholder::world::inspection
