#include "world/inspect_blur.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace beholder::world::inspection {
namespace {

constexpr double kFrom = -4, kTo = 3, kStepAcross = 0.25;  // px; negative: inside the outline
constexpr int kBins = static_cast<int>((kTo - kFrom) / kStepAcross) + 1;
constexpr double kRimWidth = 1.8;                     // px
constexpr double kCornerTurn = 0.3;                   // rad between the normals of neighbouring rays: more is a corner
constexpr double kSampling = 0.5;                     // px: what pixels, sampling between them and an uneven outline blur by themselves
constexpr double kScale = 1.2;                        // as measured on the train split
constexpr double kLeastEdge = 0.3, kSigmaStep = 0.1;  // px; the sigmas that are tried
constexpr int kSigmas = 29;                           // 0.3 .. 3.1 px
constexpr int kPlaces = 6;                            // so many steps across to either side
using Profile = std::array<double, kBins>;

// Directions of the outward normals, rad.
std::array<double, kRays> normals_of(const Outline& outline) {
  std::array<double, kRays> normals{};
  for (std::size_t i = 0; i < kRays; ++i) {
    const double slope = (outline.radius[(i + 1) % kRays] - outline.radius[(i + kRays - 1) % kRays]) * kRays / (4 * std::numbers::pi);
    normals[i] = 2 * std::numbers::pi * static_cast<double>(i) / kRays - std::atan2(slope, std::max(outline.radius[i], 1e-6));
  }
  return normals;
}

// Levels of `matte` from inside to outside, the mean over the outline but for its corners. False where hardly any of it is straight.
bool mean_profile(const Plane& matte, const Outline& outline, Profile& profile) {
  const std::array<double, kRays> normals = normals_of(outline);
  const double turn = 2 * std::numbers::pi / kRays;
  int used = 0;
  profile.fill(0);
  for (std::size_t i = 0; i < kRays; ++i) {
    const double bend = std::remainder(normals[(i + 1) % kRays] - normals[(i + kRays - 1) % kRays], 2 * std::numbers::pi);
    if (std::abs(bend) > kCornerTurn || outline.radius[i] <= 0) continue;
    ++used;
    const double angle = turn * static_cast<double>(i), x = outline.x + outline.radius[i] * std::cos(angle),
                 y = outline.y + outline.radius[i] * std::sin(angle);
    for (int k = 0; k < kBins; ++k) {
      const double d = kFrom + kStepAcross * k;
      profile[static_cast<std::size_t>(k)] += matte.between(x + d * std::cos(normals[i]), y + d * std::sin(normals[i]));
    }
  }
  for (double& v : profile) v /= std::max(1, used);
  return used >= kRays / 10;
}

double step_at(double d, double sigma) {
  return 0.5 * std::erfc(d / (std::numbers::sqrt2 * sigma));
}

// Sum of squares between the profile and an edge of any height at `place`.
double misfit(const Profile& profile, double sigma, double rim, double place) {
  Profile model;
  double cross = 0, square = 0, own = 0;
  for (std::size_t k = 0; k < kBins; ++k) {
    const double d = kFrom + kStepAcross * static_cast<double>(k) - place;
    model[k] = rim * step_at(d, sigma) + (1 - rim) * step_at(d + kRimWidth, sigma);
    cross += model[k] * profile[k];
    square += model[k] * model[k];
    own += profile[k] * profile[k];
  }
  return own - (square > 0 ? cross * std::abs(cross) / square : 0);
}

}  // namespace

Edge measure_edge(const Plane& matte, const Outline& outline) {
  Profile profile;
  Edge edge;
  if (!mean_profile(matte, outline, profile)) return edge;
  double least = 1e18, best = 0;
  for (const double rim : {1.0, 0.85, 0.7, 0.55, 0.42, 0.3})
    for (int s = 0; s < kSigmas; ++s)
      for (int p = -kPlaces; p <= kPlaces; ++p) {
        const double sigma = kLeastEdge + kSigmaStep * s;
        if (const double off = misfit(profile, sigma, rim, kStepAcross * p); off < least) least = off, best = sigma, edge.rim = rim;
      }
  edge.blur_px = kScale * std::sqrt(std::max(0.0, best * best - kSampling * kSampling));
  return edge;
}

}  // namespace beholder::world::inspection
