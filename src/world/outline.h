// The outlines of the world's shapes as signed distances, which give the renderer exact anti-aliasing.
#pragma once

#include "world/scene.h"

namespace beholder::world {

struct Point {
  double x, y;
};

// Distance in px from `p` (px from the shape's centre, in its own unrotated axes) to the outline; negative inside.
double outline_distance(Shape shape, double radius_px, Point p);

}  // namespace beholder::world
