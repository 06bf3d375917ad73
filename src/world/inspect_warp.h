// Outlines of shapes that are bent: two crossing waves about as long as the shape's radius move every point, by unknown phases.
#pragma once

#include <array>
#include <vector>

#include "world/inspect_shape.h"

namespace beholder::world::inspection {

// The best fit of each of the five shapes, bent by any of the phases and amplitudes that are tried and turned by at most kMostTurn, in the
// order of Shape. Things of the world stand nearly upright; bent ones could not be told apart otherwise.
std::array<ShapeFit, kShapes> fit_bent(const Outline& outline, double softness);
inline constexpr double kMostTurn = 0.63;    // rad
inline constexpr double kWaveLength = 1.15;  // of the waves, in radii

}  // namespace beholder::world::inspection
