#include "world/inspect_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "world/inspect_blur.h"
#include "world/inspect_plane.h"
#include "world/inspect_quality.h"
#include "world/inspect_segment.h"
#include "world/inspect_shape.h"
#include "world/inspect_warp.h"

namespace beholder::world::inspection {
namespace {

// Calibrated on the world's train split.
constexpr double kMostGain = 0.45;  // log of the largest factor by which a residual is raised for blur
constexpr double kBent = 0.045;     // residual from which a bent shape is looked for
constexpr double kBetter = 0.75;    // times the straight one's residual is what a bent shape must reach

// Enough to bring the noise below what tells a colour from grey, and no more.
double smoothing_for(double noise) {
  return noise < 4 ? 0.5 : std::clamp(0.5 + 0.05 * (noise - 4), 0.5, 1.5);
}

// Share of white noise's sigma that a Gaussian of `sigma` px leaves.
double noise_left(double sigma) {
  return std::min(1.0, 1 / (2 * std::sqrt(std::numbers::pi) * sigma));
}

std::array<float, 3> middle_colour(const media::Image& image, const std::vector<int>& pixels) {
  std::array<float, 3> rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<float> levels;
    for (const int p : pixels) levels.push_back(image.rgb[3 * static_cast<std::size_t>(p) + c]);
    rgb[c] = quantile(levels, 0.5);
  }
  return rgb;
}

double reach_of(const Region& region, int width) {
  double farthest = 0;
  for (const int p : region.pixels) farthest = std::max(farthest, std::hypot(p % width + 0.5 - region.x, p / width + 0.5 - region.y));
  return farthest + 2.5;
}

// The residual as it would be without blur, which flattens waves.
double warp_of(const ShapeFit& fit, const Outline& outline, double softness) {
  const double turns = 2 * std::numbers::pi * softness / (kWaveLength * outline.mean());
  return fit.residual * std::exp(std::min(kMostGain, turns * turns / 2));
}

// The straight shape, or the bent one where that fits clearly better.
ShapeFit best_fit(const ShapeFit& straight, const Outline& outline, double softness) {
  if (straight.residual <= kBent) return straight;
  std::array<ShapeFit, kShapes> bent = fit_bent(outline, softness);
  std::sort(bent.begin(), bent.end(), [](const ShapeFit& a, const ShapeFit& b) { return a.residual < b.residual; });
  bent[0].runner_up = bent[1].residual;
  return bent[0].residual < kBetter * straight.residual ? bent[0] : straight;
}

// A picture on its way to a view.
class Look {
 public:
  explicit Look(const media::Image& image) : image_(image), raw_(opponent_of(image)) {
    view_.noise = noise_of(image);
    sigma_ = smoothing_for(view_.noise);
    soft_ = smooth(raw_, sigma_);
    tint_ = background_tint(soft_);
    regions_ = find_regions(soft_, tint_, kChromaNoise * view_.noise * noise_left(sigma_));
    if (regions_.size() > kMostObjects) regions_.resize(kMostObjects);
    owner_.assign(raw_.light.level.size(), -1);
    for (std::size_t r = 0; r < regions_.size(); ++r)
      for (const int p : regions_[r].pixels) owner_[static_cast<std::size_t>(p)] = static_cast<int>(r);
  }

  View view() {
    for (std::size_t r = 0; r < regions_.size(); ++r) add(static_cast<int>(r));
    view_.blur_px = quantile(blurs_, 0.5);
    view_.warp = quantile(warps_, 0.5);
    std::vector<bool> thing(owner_.size());
    for (std::size_t i = 0; i < owner_.size(); ++i) thing[i] = owner_[i] >= 0;
    view_.ground = ground_of(raw_.light, thing);
    return std::move(view_);
  }

 private:
  void add(int r) {
    const Region& region = regions_[static_cast<std::size_t>(r)];
    std::vector<bool> others(owner_.size());
    for (std::size_t i = 0; i < owner_.size(); ++i) others[i] = owner_[i] >= 0 && owner_[i] != r;
    const Outline outline =
        trace_outline(matte_of(soft_, tint_, region, others), kEdgeLevel, region.x, region.y, reach_of(region, image_.width));
    const Edge edge = measure_edge(matte_of(raw_, tint_, region, others), outline);
    const double softness = std::hypot(sigma_, std::max(0.0, edge.blur_px));
    const ShapeFit straight = fit_shape(outline, softness), fit = best_fit(straight, outline, softness);
    view_.objects.push_back({.thing = {region.colour, fit.shape},
                             .x = fit.x,
                             .y = fit.y,
                             .size = fit.size,
                             .rotation = fit.rotation,
                             .rgb = middle_colour(image_, region.pixels)});
    view_.evidence.push_back({fit.residual, fit.runner_up});
    if (edge.blur_px >= 0) blurs_.push_back(static_cast<float>(edge.blur_px));
    warps_.push_back(static_cast<float>(warp_of(straight, outline, softness)));
  }

  const media::Image& image_;
  Opponent raw_, soft_;
  double sigma_ = 0;
  Tint tint_;
  std::vector<Region> regions_;
  std::vector<int> owner_;  // per pixel: its region, or -1
  std::vector<float> blurs_, warps_;
  View view_;
};

}  // namespace

View look_at(const media::Image& image) {
  return Look(image).view();
}

}  // namespace beholder::world::inspection
