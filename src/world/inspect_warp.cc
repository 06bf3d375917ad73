#include "world/inspect_warp.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace beholder::world::inspection {
namespace {

constexpr int kPhases = 12;                                                                       // of each wave
constexpr std::array<double, 2> kAmplitudes = {0.1, 0.17};                                        // radii
constexpr std::array<double, 2> kSoftness = {0.09, 0.2};                                          // radii
constexpr double kFarthest = 1.6, kMarch = 0.03;                                                  // radii
constexpr int kTurnStep = 4;                                                                      // rays
constexpr int kTurns = static_cast<int>(kMostTurn * kRays / (2 * std::numbers::pi) / kTurnStep);  // steps to either side
constexpr std::size_t kRefined = 10;  // candidates of each shape that are fitted in full

// Outermost point along every ray that the waves bring into the shape.
Ideal bend(const Ideal& straight, double amplitude, double phase_x, double phase_y) {
  const double wave = 2 * std::numbers::pi / kWaveLength, turn = 2 * std::numbers::pi / kRays;
  const auto inside = [&](double x, double y) {
    const double px = x + amplitude * std::sin(wave * y + phase_x), py = y + amplitude * std::sin(wave * x + phase_y);
    const double ray = std::atan2(py, px) / turn + kRays;
    const auto low = static_cast<std::size_t>(ray);
    const double part = ray - static_cast<double>(low);
    const double r = (1 - part) * straight.radius[low % kRays] + part * straight.radius[(low + 1) % kRays];
    return px * px + py * py <= r * r;
  };
  Ideal bent{straight.shape, straight.softness, {}, {}};
  for (std::size_t i = 0; i < kRays; ++i) {
    const double cosine = std::cos(turn * static_cast<double>(i)), sine = std::sin(turn * static_cast<double>(i));
    double r = kFarthest;
    while (r > kMarch && !inside(r * cosine, r * sine)) r -= kMarch;
    bent.radius[i] = r + kMarch / 2;
  }
  set_slope(bent);
  return bent;
}

std::vector<Ideal> make_bent(Shape shape, double softness) {
  std::vector<Ideal> bent;
  const Ideal& straight = ideal(shape, softness);
  for (const double amplitude : kAmplitudes)
    for (int p = 0; p < kPhases; ++p)
      for (int q = 0; q < kPhases; ++q)
        bent.push_back(bend(straight, amplitude, 2 * std::numbers::pi * p / kPhases, 2 * std::numbers::pi * q / kPhases));
  return bent;
}

// Of every shape; a function of its own per softness, so that what is never needed is never made.
using BentShapes = std::array<std::vector<Ideal>, kShapes>;
template <int kSoft>
const BentShapes& bent_shapes() {
  static const BentShapes all = [] {
    BentShapes made;
    for (std::size_t s = 0; s < kShapes; ++s) made[s] = make_bent(static_cast<Shape>(s), kSoftness[kSoft]);
    return made;
  }();
  return all;
}

// 1 - cosine of the angle between two outlines as vectors, one of them turned.
double mismatch(const Outline& outline, const Ideal& ideal, int turn) {
  double cross = 0, own = 0;
  for (int i = 0; i < kRays; ++i) {
    const double r = ideal.radius[static_cast<std::size_t>((i + kRays - turn) % kRays)];
    cross += r * outline.radius[static_cast<std::size_t>(i)];
    own += r * r;
  }
  return -cross / std::sqrt(own);
}

struct Candidate {
  double mismatch;
  const Ideal* ideal;
  int turn;
};

ShapeFit best_of(const Outline& outline, const std::vector<Ideal>& bent) {
  std::vector<Candidate> candidates;
  for (const Ideal& ideal : bent)
    for (int t = -kTurns; t <= kTurns; ++t) candidates.push_back({mismatch(outline, ideal, kTurnStep * t), &ideal, kTurnStep * t});
  const auto end = candidates.begin() + kRefined;
  std::partial_sort(candidates.begin(), end, candidates.end(),
                    [](const Candidate& a, const Candidate& b) { return a.mismatch < b.mismatch; });
  ShapeFit best;
  for (auto it = candidates.begin(); it != end; ++it)
    if (const ShapeFit fit = fit_ideal(outline, *it->ideal, it->turn); fit.residual < best.residual) best = fit;
  return best;
}

}  // namespace

std::array<ShapeFit, kShapes> fit_bent(const Outline& outline, double softness) {
  std::array<ShapeFit, kShapes> fits;
  const double wanted = softness / outline.mean();
  const BentShapes& bent = wanted < (kSoftness[0] + kSoftness[1]) / 2 ? bent_shapes<0>() : bent_shapes<1>();
  for (std::size_t s = 0; s < kShapes; ++s) fits[s] = best_of(outline, bent[s]);
  return fits;
}

}  // namespace beholder::world::inspection
