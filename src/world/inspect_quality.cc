#include "world/inspect_quality.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace beholder::world::inspection {
namespace {

constexpr double kMeanSwing = 0.8;  // of the amplitude: brightness goes up and down by 0.6 to 1.0 of it
constexpr int kBright = 250;        // of 255: a level above may have been cut off
constexpr int kHalo = 3;            // px around a thing that its blurred edge reaches
constexpr int kLag = 3;             // px; noise is not alike at this distance, a background is

// With everything within kHalo px.
std::vector<bool> widened(const Plane& plane, const std::vector<bool>& things) {
  std::vector<bool> out(things.size(), false);
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x)
      for (int v = y - kHalo; things[plane.index(x, y)] && v <= y + kHalo; ++v)
        for (int u = x - kHalo; u <= x + kHalo; ++u)
          if (plane.inside(u, v)) out[plane.index(u, v)] = true;
  return out;
}

}  // namespace

double noise_of(const media::Image& image) {
  if (image.width < 3 || image.height < 3) return 0;
  const std::size_t row = 3 * static_cast<std::size_t>(image.width);
  std::vector<float> responses;
  for (std::size_t y = 1; y + 1 < static_cast<std::size_t>(image.height); ++y)
    for (std::size_t i = y * row + 3; i < (y + 1) * row - 3; ++i) {
      const auto at = [&](std::size_t j) { return static_cast<int>(image.rgb[j]); };
      const int corners = at(i - row - 3) + at(i - row + 3) + at(i + row - 3) + at(i + row + 3);
      const int edges = at(i - row) + at(i + row) + at(i - 3) + at(i + 3);
      responses.push_back(static_cast<float>(std::abs(corners - 2 * edges + 4 * at(i))));
    }
  return quantile(responses, 0.5) / (0.6745 * 6);  // the filter's weights have the norm 6; half of a Gaussian lies within 0.6745 sigma
}

Ground ground_of(const Plane& light, const std::vector<bool>& things) {
  const std::vector<bool> thing = widened(light, things);
  std::vector<float> levels;
  for (std::size_t i = 0; i < light.level.size(); ++i)
    if (!thing[i]) levels.push_back(light.level[i]);
  if (levels.empty()) return {};
  const float middle = quantile(levels, 0.5);
  if (levels.size() < 64) return {.light = middle};
  std::vector<float> off(levels);
  for (float& v : off) v = std::abs(v - middle);
  const float limit = 4 + 3.5f * quantile(off, 0.5);  // beyond it: clutter
  const auto used = [&](int x, int y) {
    return light.inside(x, y) && !thing[light.index(x, y)] && std::abs(light.at(x, y) - middle) <= limit;
  };
  double mean = 0, sum = 0, n = 0, m = 0;
  for (int y = 0; y < light.height; ++y)
    for (int x = 0; x < light.width; ++x)
      if (used(x, y)) mean += light.at(x, y), ++m;
  mean /= std::max(1.0, m);
  for (int y = 0; y < light.height; ++y)
    for (int x = 0; x < light.width; ++x)
      for (const auto& [dx, dy] : {std::pair{kLag, 0}, {0, kLag}, {2, 2}, {2, -2}, {3, 1}, {1, 3}, {3, -1}, {1, -3}})
        if (used(x, y) && used(x + dx, y + dy)) sum += (light.at(x, y) - mean) * (light.at(x + dx, y + dy) - mean), ++n;
  return {.light = middle, .variation = n > 0 ? std::sqrt(std::max(0.0, sum / n)) : 0};
}

double flicker_of(std::span<const media::Image> frames) {
  double sum = 0;
  for (std::size_t t = 0; t + 1 < frames.size(); ++t) {
    double before = 0, after = 0;
    for (std::size_t i = 0; i < std::min(frames[t].rgb.size(), frames[t + 1].rgb.size()); ++i) {
      const int p = frames[t].rgb[i], q = frames[t + 1].rgb[i];
      if (p > kBright || q > kBright) continue;
      before += p;
      after += q;
    }
    if (before + after > 0) sum += std::abs(after - before) / (after + before);  // (1 + s) : (1 - s) gives s
  }
  return frames.size() < 2 ? 0 : sum / static_cast<double>(frames.size() - 1) / kMeanSwing;
}

}  // namespace beholder::world::inspection
