#include "world/inspect_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

#include "world/inspect_segment.h"

namespace beholder::world::inspection {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kStep = 0.25;                                                 // px along a ray
constexpr std::array<double, 5> kSoftnesses = {0.03, 0.09, 0.15, 0.21, 0.27};  // of the ideal outlines, in radii
constexpr int kCanvas = 136;                                                   // px of the pictures ideal outlines are traced in
constexpr double kCanvasRadius = 40;                                           // px

struct Corner {
  double radius, turns;  // from the centre, in radii of the object; share of a full turn
};

// Corners between which the edges are straight. The extents make a thing's size mean what Object::size means.
std::vector<Corner> corners_of_ideal(Shape shape) {
  std::vector<Corner> corners;
  const auto ring = [&](int n, double radius, double from) {
    for (int i = 0; i < n; ++i) corners.push_back({radius, from + static_cast<double>(i) / n});
  };
  switch (shape) {
    case Shape::kCircle:
      ring(72, 0.92, 0);
      break;
    case Shape::kSquare:
      ring(4, 0.81 * std::numbers::sqrt2, 0.125);
      break;
    case Shape::kTriangle:
      ring(3, 1.2, -0.25);
      break;
    case Shape::kStar:
      for (int i = 0; i < 10; ++i) corners.push_back({i % 2 == 0 ? 1.15 : 0.48, -0.25 + 0.1 * i});
      break;
    case Shape::kCross: {
      const double half = std::atan2(0.34, 1.05) / kTurn, tip = std::hypot(0.34, 1.05), notch = 0.34 * std::numbers::sqrt2;
      for (int arm = 0; arm < 4; ++arm)
        for (const Corner c : {Corner{tip, -half}, {tip, half}, {notch, 0.125}}) corners.push_back({c.radius, 0.25 * arm + c.turns});
      break;
    }
  }
  return corners;
}

bool within(const std::vector<Corner>& corners, double x, double y) {
  bool in = false;
  for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const double ax = corners[i].radius * std::cos(kTurn * corners[i].turns), ay = corners[i].radius * std::sin(kTurn * corners[i].turns);
    const double bx = corners[j].radius * std::cos(kTurn * corners[j].turns), by = corners[j].radius * std::sin(kTurn * corners[j].turns);
    if ((ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) in = !in;
  }
  return in;
}

Ideal ideal_of(Shape shape, double softness, const Plane& drawn) {
  const double centre = kCanvas / 2.0;
  const Outline outline = trace_outline(smooth(drawn, softness * kCanvasRadius), kEdgeLevel, centre, centre, kCanvas / 2.0);
  Ideal ideal{shape, softness, outline.radius, {}};
  for (double& r : ideal.radius) r /= kCanvasRadius;
  set_slope(ideal);
  return ideal;
}

std::vector<Ideal> make_ideals() {
  std::vector<Ideal> ideals;
  for (int s = 0; s < kShapes; ++s) {
    const std::vector<Corner> corners = corners_of_ideal(static_cast<Shape>(s));
    Plane drawn(kCanvas, kCanvas);
    for (int y = 0; y < kCanvas; ++y)
      for (int x = 0; x < kCanvas; ++x)
        drawn.at(x, y) = within(corners, (x + 0.5 - kCanvas / 2.0) / kCanvasRadius, (y + 0.5 - kCanvas / 2.0) / kCanvasRadius) ? 1 : 0;
    for (const double softness : kSoftnesses) ideals.push_back(ideal_of(static_cast<Shape>(s), softness, drawn));
  }
  return ideals;
}

const std::vector<Ideal>& ideals() {
  static const std::vector<Ideal> all = make_ideals();
  return all;
}

// The rotation, in rays, that correlates best.
int best_rotation(const Outline& outline, const Ideal& ideal) {
  int best = 0;
  double most = -1;
  for (int turn = 0; turn < kRays; ++turn) {
    double sum = 0;
    for (int i = 0; i < kRays; ++i)
      sum += outline.radius[static_cast<std::size_t>((i + turn) % kRays)] * ideal.radius[static_cast<std::size_t>(i)];
    if (sum > most) most = sum, best = turn;
  }
  return best;
}

using Four = std::array<double, 4>;

// Solves the normal equations A x = b of four unknowns; a singular direction stays 0.
Four solve(std::array<Four, 4> a, Four b) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (a[i][i] < 1e-9) continue;
    for (std::size_t j = 0; j < 4; ++j) {
      if (j == i) continue;
      const double factor = a[j][i] / a[i][i];
      for (std::size_t k = 0; k < 4; ++k) a[j][k] -= factor * a[i][k];
      b[j] -= factor * b[i];
    }
  }
  Four x{};
  for (std::size_t i = 0; i < 4; ++i) x[i] = a[i][i] < 1e-9 ? 0 : b[i] / a[i][i];
  return x;
}

}  // namespace

double Outline::mean() const {
  return std::max(1e-6, std::accumulate(radius.begin(), radius.end(), 0.0) / kRays);
}

Outline trace_outline(const Plane& matte, double level, double x, double y, double reach) {
  Outline outline{x, y, {}};
  for (int i = 0; i < kRays; ++i) {
    const double cosine = std::cos(kTurn * i / kRays), sine = std::sin(kTurn * i / kRays);
    double outer = 0;
    for (int k = 0; kStep * k < reach; ++k) {
      const double r = reach - kStep * k;
      const double here = matte.between(x + r * cosine, y + r * sine);
      if (here >= level) {
        outline.radius[static_cast<std::size_t>(i)] = r + (r < reach ? kStep * (here - level) / std::max(1e-6, here - outer) : 0);
        break;
      }
      outer = here;
    }
  }
  return outline;
}

ShapeFit fit_ideal(const Outline& outline, const Ideal& ideal, int turn) {
  std::array<Four, kRays> rows{};
  std::array<double, kRays> weight{};
  std::array<Four, 4> normal{};
  Four right{};
  const double mean = outline.mean(), ideal_mean = std::accumulate(ideal.radius.begin(), ideal.radius.end(), 0.0) / kRays;
  const double scale = mean / ideal_mean;
  for (int i = 0; i < kRays; ++i) {
    const auto at = static_cast<std::size_t>((i + 2 * kRays - turn) % kRays), ray = static_cast<std::size_t>(i);
    const double q = ideal.slope[at] / ideal.radius[at], angle = kTurn * i / kRays;
    rows[ray] = {ideal.radius[at], std::cos(angle) + q * std::sin(angle), std::sin(angle) - q * std::cos(angle), -scale * ideal.slope[at]};
    weight[ray] = 1 / (1 + q * q);
    for (std::size_t j = 0; j < 4; ++j) {
      right[j] += weight[ray] * rows[ray][j] * outline.radius[ray];
      for (std::size_t k = 0; k < 4; ++k) normal[j][k] += weight[ray] * rows[ray][j] * rows[ray][k];
    }
  }
  for (std::size_t j = 0; j < 4; ++j) normal[j][j] += 1e-6;
  const Four x = solve(normal, right);
  double sum = 0;
  for (std::size_t ray = 0; ray < kRays; ++ray) {
    const double off = outline.radius[ray] - std::inner_product(x.begin(), x.end(), rows[ray].begin(), 0.0);
    sum += weight[ray] * off * off;
  }
  return {.shape = ideal.shape,
          .x = outline.x + x[1],
          .y = outline.y + x[2],
          .size = 2 * x[0],
          .rotation = std::remainder(kTurn * turn / kRays + x[3], kTurn),
          .residual = std::sqrt(sum / kRays) / mean};
}

void set_slope(Ideal& ideal) {
  for (std::size_t i = 0; i < kRays; ++i)
    ideal.slope[i] = (ideal.radius[(i + 1) % kRays] - ideal.radius[(i + kRays - 1) % kRays]) * kRays / (2 * kTurn);
}

const Ideal& ideal(Shape shape, double softness) {
  const Ideal* nearest = &ideals()[static_cast<std::size_t>(shape) * kSoftnesses.size()];  // the first of the shape
  for (const Ideal& one : ideals())
    if (one.shape == shape && std::abs(one.softness - softness) < std::abs(nearest->softness - softness)) nearest = &one;
  return *nearest;
}

ShapeFit fit_shape(const Outline& outline, double softness) {
  std::array<ShapeFit, kShapes> best{};
  const double wanted = softness / outline.mean();
  double nearest = 1e9;
  for (const Ideal& ideal : ideals()) nearest = std::min(nearest, std::abs(ideal.softness - wanted));
  for (const Ideal& ideal : ideals()) {
    if (std::abs(ideal.softness - wanted) > nearest + 0.061) continue;  // its neighbours too
    const ShapeFit fit = fit_ideal(outline, ideal, best_rotation(outline, ideal));
    ShapeFit& now = best[static_cast<std::size_t>(ideal.shape)];
    if (now.size == 0 || fit.residual < now.residual) now = fit;
  }
  std::sort(best.begin(), best.end(), [](const ShapeFit& a, const ShapeFit& b) { return a.residual < b.residual; });
  best[0].runner_up = best[1].residual;
  return best[0];
}

}  // namespace beholder::world::inspection
