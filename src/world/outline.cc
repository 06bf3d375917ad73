#include "world/outline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

namespace beholder::world {
namespace {

// Corners are in radii, y down. The factors give the shapes of one size about the same area.
std::array<Point, 10> star() {
  std::array<Point, 10> corners{};
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const double angle = std::numbers::pi * (static_cast<double>(i) / 5 - 0.5), r = i % 2 == 0 ? 1.15 : 0.48;
    corners[i] = {r * std::cos(angle), r * std::sin(angle)};
  }
  return corners;
}

std::span<const Point> corners_of(Shape shape) {
  static constexpr double kSide = 0.81, kArm = 1.05, kWidth = 0.34;
  static constexpr std::array<Point, 4> kSquare = {{{-kSide, -kSide}, {kSide, -kSide}, {kSide, kSide}, {-kSide, kSide}}};
  static constexpr std::array<Point, 3> kTriangle = {{{0, -1.08}, {1.02, 0.78}, {-1.02, 0.78}}};
  static constexpr std::array<Point, 12> kCross = {{{-kWidth, -kArm},
                                                    {kWidth, -kArm},
                                                    {kWidth, -kWidth},
                                                    {kArm, -kWidth},
                                                    {kArm, kWidth},
                                                    {kWidth, kWidth},
                                                    {kWidth, kArm},
                                                    {-kWidth, kArm},
                                                    {-kWidth, kWidth},
                                                    {-kArm, kWidth},
                                                    {-kArm, -kWidth},
                                                    {-kWidth, -kWidth}}};
  static const std::array<Point, 10> kStar = star();
  switch (shape) {
    case Shape::kSquare:
      return kSquare;
    case Shape::kTriangle:
      return kTriangle;
    case Shape::kCross:
      return kCross;
    default:
      return kStar;
  }
}

// Distance to the nearest edge; inside where a ray from p crosses the outline an odd number of times.
double polygon_distance(std::span<const Point> corners, Point p) {
  double nearest = 1e30;
  bool inside = false;
  for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const Point a = corners[j], b = corners[i];
    const double ex = b.x - a.x, ey = b.y - a.y, px = p.x - a.x, py = p.y - a.y;
    const double along = std::clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0.0, 1.0);
    const double dx = px - along * ex, dy = py - along * ey;
    nearest = std::min(nearest, dx * dx + dy * dy);
    if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + ex * (p.y - a.y) / ey) inside = !inside;
  }
  return inside ? -std::sqrt(nearest) : std::sqrt(nearest);
}

}  // namespace

double outline_distance(Shape shape, double radius_px, Point p) {
  if (shape == Shape::kCircle) return std::hypot(p.x, p.y) - 0.92 * radius_px;
  return radius_px * polygon_distance(corners_of(shape), {p.x / radius_px, p.y / radius_px});
}

}  // namespace beholder::world
