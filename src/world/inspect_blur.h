// How sharp the edge of a thing is.
#pragma once

#include "world/inspect_plane.h"
#include "world/inspect_shape.h"

namespace beholder::world::inspection {

struct Edge {
  double blur_px = -1;  // sigma of the Gaussian that a sharp edge was blurred by; negative: there is no edge
  double rim = 1;       // level of the rim over that of the middle; 1: no rim
};

// The mean profile across the outline, held against sharp edges with and without a darker rim of 2 px, blurred by every sigma. `matte` is
// not smoothed.
Edge measure_edge(const Plane& matte, const Outline& outline);

}  // namespace beholder::world::inspection
