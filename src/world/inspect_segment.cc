#include "world/inspect_segment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace beholder::world::inspection {
namespace {

constexpr double kLeastChroma = 16;   // of 255: less is grey to the eye
constexpr double kNoiseFactor = 3.6;  // noise alone is longer once in 650 pixels
constexpr double kSameHue = 0.6;      // rad between neighbouring pixels of one thing
constexpr double kCoreShare = 0.8;    // quantile of a region's chroma that stands for its colour
constexpr double kSaddle = 0.62;      // of the smaller peak: two things touch where their depth falls below it
constexpr double kLeastPeak = 3;      // px of depth that a thing reaches
constexpr std::array<std::array<int, 2>, 8> kAround = {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}}};

// Connected sets of the pixels where `in` holds, each of at least `least` pixels. Neighbours share an edge, and `alike` says yes.
template <class Alike>
std::vector<std::vector<int>> components(int width, int height, std::vector<bool> in, std::size_t least, Alike alike) {
  std::vector<std::vector<int>> found;
  for (int start = 0; start < width * height; ++start) {
    if (!in[static_cast<std::size_t>(start)]) continue;
    std::vector<int> pixels{start};
    in[static_cast<std::size_t>(start)] = false;
    for (std::size_t next = 0; next < pixels.size(); ++next)
      for (std::size_t d = 0; d < 4; ++d) {
        const int x = pixels[next] % width + kAround[d][0], y = pixels[next] / width + kAround[d][1];
        if (x < 0 || y < 0 || x >= width || y >= height || !in[static_cast<std::size_t>(y * width + x)]) continue;
        if (!alike(pixels[next], y * width + x)) continue;
        in[static_cast<std::size_t>(y * width + x)] = false;
        pixels.push_back(y * width + x);
      }
    if (pixels.size() >= least) found.push_back(std::move(pixels));
  }
  return found;
}

std::vector<bool> mask_of(std::size_t size, const std::vector<int>& pixels) {
  std::vector<bool> mask(size, false);
  for (const int p : pixels) mask[static_cast<std::size_t>(p)] = true;
  return mask;
}

// With everything that the pixels enclose.
std::vector<int> filled(int width, int height, const std::vector<int>& pixels) {
  std::vector<bool> outside = mask_of(static_cast<std::size_t>(width * height), pixels);
  outside.flip();
  std::vector<bool> hole(outside);
  for (const std::vector<int>& part : components(width, height, outside, 1, [](int, int) { return true; })) {
    const bool open = std::any_of(part.begin(), part.end(), [&](int p) {
      return p % width == 0 || p % width == width - 1 || p < width || p >= width * (height - 1);
    });
    if (open)
      for (const int p : part) hole[static_cast<std::size_t>(p)] = false;
  }
  std::vector<int> out = pixels;
  for (int p = 0; p < width * height; ++p)
    if (hole[static_cast<std::size_t>(p)]) out.push_back(p);
  return out;
}

// Distance in px from each pixel of the set to the nearest one outside it (chamfer 1, 1.4); 0 outside.
std::vector<float> depth_of(int width, int height, const std::vector<int>& pixels) {
  std::vector<float> depth(static_cast<std::size_t>(width * height), 0);
  for (const int p : pixels) depth[static_cast<std::size_t>(p)] = 1e6f;
  const auto relax = [&](int x, int y, int sign) {
    float& here = depth[static_cast<std::size_t>(y * width + x)];
    for (const auto& [dx, dy] : {std::pair{-1, 0}, {-1, -1}, {0, -1}, {1, -1}}) {
      const int nx = x + sign * dx, ny = y + sign * dy;
      const bool in = nx >= 0 && ny >= 0 && nx < width && ny < height;
      here = std::min(here, (in ? depth[static_cast<std::size_t>(ny * width + nx)] : 0) + (dx != 0 && dy != 0 ? 1.4f : 1.0f));
    }
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) relax(x, y, 1);
  for (int y = height - 1; y >= 0; --y)
    for (int x = width - 1; x >= 0; --x) relax(x, y, -1);
  return depth;
}

// Cuts a set of pixels at its necks: the watershed of its depth, where a basin is one thing only if the way to a deeper one leads through
// a saddle well below its own peak.
std::vector<std::vector<int>> cut_at_necks(int width, int height, std::vector<int> pixels) {
  const std::vector<float> depth = depth_of(width, height, pixels);
  const auto at = [&](int p) { return depth[static_cast<std::size_t>(p)]; };
  std::stable_sort(pixels.begin(), pixels.end(), [&](int p, int q) { return at(p) > at(q); });
  std::vector<int> basin(depth.size(), -1), parent;
  std::vector<float> peak;
  const auto root = [&](int b) {
    while (parent[static_cast<std::size_t>(b)] != b) b = parent[static_cast<std::size_t>(b)];
    return b;
  };
  for (const int p : pixels) {
    int own = -1;
    for (const auto& [dx, dy] : kAround) {
      const int x = p % width + dx, y = p / width + dy;
      if (x < 0 || y < 0 || x >= width || y >= height || basin[static_cast<std::size_t>(y * width + x)] < 0) continue;
      const int other = root(basin[static_cast<std::size_t>(y * width + x)]);
      if (own < 0 || own == other) {
        own = other;
        continue;
      }
      const int low = peak[static_cast<std::size_t>(own)] < peak[static_cast<std::size_t>(other)] ? own : other, high = own + other - low;
      const float lesser = peak[static_cast<std::size_t>(low)];
      if (lesser < kLeastPeak || at(p) > kSaddle * lesser) parent[static_cast<std::size_t>(low)] = high;
      own = high;
    }
    if (own < 0) {
      own = static_cast<int>(parent.size());
      parent.push_back(own);
      peak.push_back(at(p));
    }
    basin[static_cast<std::size_t>(p)] = own;
  }
  std::vector<std::vector<int>> parts(parent.size());
  for (const int p : pixels) parts[static_cast<std::size_t>(root(basin[static_cast<std::size_t>(p)]))].push_back(p);
  std::erase_if(parts, [](const std::vector<int>& part) { return part.size() < kLeastArea; });
  return parts;
}

Region region_of(const Opponent& image, const Tint& tint, const std::vector<float>& chroma, std::vector<int> pixels) {
  Region region;
  std::vector<float> levels;
  double a = 0, b = 0;
  for (const int p : pixels) {
    const auto i = static_cast<std::size_t>(p);
    a += image.a.level[i];
    b += image.b.level[i];
    region.x += p % image.a.width + 0.5;
    region.y += static_cast<double>(p / image.a.width) + 0.5;
    levels.push_back(chroma[i]);
  }
  region.x /= static_cast<double>(pixels.size());
  region.y /= static_cast<double>(pixels.size());
  region.colour = colour_of(std::atan2(b, a));
  const auto n = static_cast<double>(pixels.size());
  region.axis = std::atan2(b - n * tint.b, a - n * tint.a);
  region.chroma = quantile(levels, kCoreShare);
  region.pixels = std::move(pixels);
  return region;
}

// The largest first, and none that lies in a larger one, as the middle of an outlined thing does where its rim is a region of its own.
std::vector<Region> without_nested(std::vector<Region> regions, std::size_t size) {
  std::stable_sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) { return a.pixels.size() > b.pixels.size(); });
  std::vector<bool> taken(size, false);
  std::vector<Region> out;
  for (Region& region : regions) {
    const auto shared =
        std::count_if(region.pixels.begin(), region.pixels.end(), [&](int p) { return taken[static_cast<std::size_t>(p)]; });
    if (2 * shared > std::ssize(region.pixels)) continue;
    for (const int p : region.pixels) taken[static_cast<std::size_t>(p)] = true;
    out.push_back(std::move(region));
  }
  return out;
}

}  // namespace

Tint background_tint(const Opponent& image) {
  const int w = image.a.width, h = image.a.height;
  std::vector<float> a, b;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      if (x < 2 || y < 2 || x >= w - 2 || y >= h - 2) a.push_back(image.a.at(x, y)), b.push_back(image.b.at(x, y));
  return {quantile(a, 0.5), quantile(b, 0.5)};
}

Colour colour_of(double hue) {
  static constexpr std::array<std::pair<double, Colour>, kColours> kUpTo = {{{25, Colour::kRed},
                                                                             {90, Colour::kYellow},
                                                                             {158, Colour::kGreen},
                                                                             {208, Colour::kCyan},
                                                                             {257, Colour::kBlue},
                                                                             {323, Colour::kPurple}}};
  double degrees = hue * 180 / std::numbers::pi;
  if (degrees < 0) degrees += 360;
  for (const auto& [limit, colour] : kUpTo)
    if (degrees < limit) return colour;
  return Colour::kRed;
}

std::vector<Region> find_regions(const Opponent& image, const Tint& tint, double noise) {
  const int w = image.a.width, h = image.a.height;
  const auto n = static_cast<std::size_t>(w * h);
  std::vector<float> chroma(n), hue(n);
  for (std::size_t i = 0; i < n; ++i) {
    chroma[i] = std::hypot(image.a.level[i] - tint.a, image.b.level[i] - tint.b);
    hue[i] = std::atan2(image.b.level[i], image.a.level[i]);
  }
  const auto alike = [&](int p, int q) {
    const double off = hue[static_cast<std::size_t>(p)] - hue[static_cast<std::size_t>(q)];
    return std::abs(std::remainder(off, 2 * std::numbers::pi)) < kSameHue;
  };
  const auto least = static_cast<float>(std::max(kLeastChroma, kNoiseFactor * noise));
  std::vector<bool> in(n);
  for (std::size_t i = 0; i < n; ++i) in[i] = chroma[i] >= least;
  std::vector<Region> regions;
  for (const std::vector<int>& rough : components(w, h, in, kLeastArea, alike)) {
    const Region whole = region_of(image, tint, chroma, rough);
    std::vector<bool> core(n, false);
    for (const int p : rough) core[static_cast<std::size_t>(p)] = chroma[static_cast<std::size_t>(p)] >= kEdgeLevel * whole.chroma;
    for (const std::vector<int>& part : components(w, h, core, kLeastArea, alike))
      for (std::vector<int>& thing : cut_at_necks(w, h, filled(w, h, part)))
        regions.push_back(region_of(image, tint, chroma, std::move(thing)));
  }
  return without_nested(std::move(regions), n);
}

Plane matte_of(const Opponent& image, const Tint& tint, const Region& region, const std::vector<bool>& others) {
  Plane matte(image.a.width, image.a.height);
  const double cosine = std::cos(region.axis) / region.chroma, sine = std::sin(region.axis) / region.chroma;
  for (std::size_t i = 0; i < matte.level.size(); ++i)
    if (!others[i]) matte.level[i] = static_cast<float>((image.a.level[i] - tint.a) * cosine + (image.b.level[i] - tint.b) * sine);
  return matte;
}

}  // namespace beholder::world::inspection
