// Which of the five shapes an outline is, however it is turned, and how far it is from an ideal one. An outline is the distance from the
// centre in evenly spread directions; it is held against outlines of ideal shapes, softened by several amounts, in every rotation.
#pragma once

#include <array>

#include "world/inspect_plane.h"
#include "world/scene.h"

namespace beholder::world::inspection {

inline constexpr int kRays = 120;  // 3 degrees apart, from the right over below

struct Outline {
  double x = 0, y = 0;                 // centre, px
  std::array<double, kRays> radius{};  // px
  double mean() const;
};
// The outermost crossing of `level` within `reach` px of (x, y) along every ray; 0 where there is none.
Outline trace_outline(const Plane& matte, double level, double x, double y, double reach);

struct ShapeFit {
  Shape shape = Shape::kCircle;
  double x = 0, y = 0;   // centre, px
  double size = 0;       // diameter as in Object, px
  double rotation = 0;   // rad, -pi .. pi
  double residual = 1;   // RMS distance between the two outlines, in mean radii
  double runner_up = 1;  // residual of the best other shape
};

// The outline of an ideal shape of radius 1, blurred by `softness` radii.
struct Ideal {
  Shape shape = Shape::kCircle;
  double softness = 0;
  std::array<double, kRays> radius{};
  std::array<double, kRays> slope{};  // change of the radius per rad
};
void set_slope(Ideal& ideal);                      // from the radius
const Ideal& ideal(Shape shape, double softness);  // the nearest one there is
// Least squares over size, centre and rotation from the start at `turn` rays, distances taken across the outline. `runner_up` is not set.
ShapeFit fit_ideal(const Outline& outline, const Ideal& ideal, int turn);

// `softness`: sigma in px of everything that blurred the matte.
ShapeFit fit_shape(const Outline& outline, double softness);

}  // namespace beholder::world::inspection
