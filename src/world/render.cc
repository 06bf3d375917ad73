#include "world/render.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/rng.h"
#include "world/outline.h"

namespace beholder::world {
namespace {

using Rgb = std::array<float, 3>;

// The picture while it is drawn: float levels 0..255, row by row.
struct Canvas {
  int width, height;
  std::vector<float> rgb;

  float* at(int x, int y) {
    return &rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x))];
  }
  void blend(int x, int y, const Rgb& colour, float share) {
    float* pixel = at(x, y);
    for (std::size_t c = 0; c < 3; ++c) pixel[c] += share * (colour[c] - pixel[c]);
  }
};

float smooth(float t) {
  return t * t * (3 - 2 * t);
}

// Smooth random field in 0..1: values on a grid of `period` px, blended between.
class Texture {
 public:
  Texture(std::uint64_t seed, int width, int height, double period)
      : period_(period),
        columns_(static_cast<std::size_t>(width / period) + 2),
        values_(columns_ * (static_cast<std::size_t>(height / period) + 2)) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<float>(mix_keys(seed, i) >> 40) * 0x1p-24f;
  }
  float at(double x, double y) const {
    const double gx = x / period_, gy = y / period_;
    const auto ix = static_cast<std::size_t>(gx), iy = static_cast<std::size_t>(gy);
    const float fx = smooth(static_cast<float>(gx - static_cast<double>(ix))),
                fy = smooth(static_cast<float>(gy - static_cast<double>(iy)));
    const float* v = &values_[iy * columns_ + ix];
    const float top = v[0] + fx * (v[1] - v[0]), bottom = v[columns_] + fx * (v[columns_ + 1] - v[columns_]);
    return top + fy * (bottom - top);
  }

 private:
  double period_;
  std::size_t columns_;
  std::vector<float> values_;
};

// How much of `to` the background shows at a pixel, 0..1. `across` is the distance in px from the middle along the angle.
float background_mix(const Scene& scene, const Texture& texture, double x, double y, double across) {
  switch (scene.background.kind) {
    case BackgroundKind::kFlat:
      return 0;
    case BackgroundKind::kGradient:
      return static_cast<float>(std::clamp(0.5 + across / (scene.width + scene.height), 0.0, 1.0));
    case BackgroundKind::kTexture:
      return texture.at(x, y);
    case BackgroundKind::kStripes:
      return static_cast<float>(0.5 + 0.5 * std::sin(2 * std::numbers::pi * across / scene.background.period));
  }
  return 0;
}

void draw_background(const Scene& scene, Canvas& canvas) {
  const Background& back = scene.background;
  const Texture texture(scene.texture_seed, scene.width, scene.height, back.period);
  const double cosine = std::cos(back.angle), sine = std::sin(back.angle);
  for (int y = 0; y < canvas.height; ++y)
    for (int x = 0; x < canvas.width; ++x) {
      const double across = (x + 0.5 - scene.width / 2.0) * cosine + (y + 0.5 - scene.height / 2.0) * sine;
      const float mix = background_mix(scene, texture, x + 0.5, y + 0.5, across);
      for (std::size_t c = 0; c < 3; ++c) canvas.at(x, y)[c] = back.from[c] + mix * (back.to[c] - back.from[c]);
    }
}

// Calls f(x, y) for the pixels within `reach` px of the box of two points.
template <class F>
void for_pixels(const Canvas& canvas, Point a, Point b, double reach, F&& f) {
  const int x0 = std::max(0, static_cast<int>(std::min(a.x, b.x) - reach)), y0 = std::max(0, static_cast<int>(std::min(a.y, b.y) - reach));
  const int x1 = std::min(canvas.width - 1, static_cast<int>(std::max(a.x, b.x) + reach));
  const int y1 = std::min(canvas.height - 1, static_cast<int>(std::max(a.y, b.y) + reach));
  for (int y = y0; y <= y1; ++y)
    for (int x = x0; x <= x1; ++x) f(x, y);
}

float coverage(double distance) {
  return static_cast<float>(std::clamp(0.5 - distance, 0.0, 1.0));
}

void draw_clutter(const Clutter& c, Canvas& canvas) {
  const double dx = c.x1 - c.x0, dy = c.y1 - c.y0, length2 = dx * dx + dy * dy;
  for_pixels(canvas, {c.x0, c.y0}, {c.x1, c.y1}, c.radius + 1, [&](int x, int y) {
    const double px = x + 0.5 - c.x0, py = y + 0.5 - c.y0;
    const double along = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0;
    canvas.blend(x, y, {c.grey, c.grey, c.grey}, coverage(std::hypot(px - along * dx, py - along * dy) - c.radius));
  });
}

// Moves the sampling point in two crossing waves, so that every outline, a circle's too, comes out bent.
Point warped(Point p, double radius, double warp, double phase) {
  if (warp == 0) return p;
  const double wave = 2 * std::numbers::pi / (1.15 * radius), amplitude = warp * radius;
  return {p.x + amplitude * std::sin(wave * p.y + phase), p.y + amplitude * std::sin(wave * p.x + 2.1 * phase)};
}

// The object's colour at a point inside it; `distance` to its outline is negative.
Rgb fill_colour(const Object& object, Fill fill, Point p, double distance) {
  Rgb rgb = object.rgb;
  if (fill == Fill::kOutlined && distance > -1.8)
    for (float& c : rgb) c *= 0.42f;
  if (fill == Fill::kHatched) {
    const double wave = std::sin(2 * std::numbers::pi * (p.x + p.y) / 6.5);
    for (float& c : rgb) c *= static_cast<float>(0.8 + 0.26 * wave);
  }
  return rgb;
}

void draw_object(const Scene& scene, const Object& object, Point centre, Canvas& canvas) {
  const double radius = object.size / 2, cosine = std::cos(object.rotation), sine = std::sin(object.rotation);
  const double phase = object.x * 1.7 + object.y * 0.9;
  for_pixels(canvas, centre, centre, radius * (1.2 + scene.quality.warp) + 2, [&](int x, int y) {
    const double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
    const Point p = warped({dx * cosine + dy * sine, dy * cosine - dx * sine}, radius, scene.quality.warp, phase);
    const double distance = outline_distance(object.thing.shape, radius, p);
    if (const float share = coverage(distance); share > 0) canvas.blend(x, y, fill_colour(object, scene.fill, p, distance), share);
  });
}

std::vector<float> gaussian(double sigma) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  std::vector<float> weights;
  float sum = 0;
  for (int i = -reach; i <= reach; ++i)
    weights.push_back(static_cast<float>(std::exp(-i * i / (2 * sigma * sigma)))), sum += weights.back();
  for (float& w : weights) w /= sum;
  return weights;
}

// sum[i] = weighted sum of `from` at i, i + step, i + 2 step, …; long plain loops, so that the compiler makes vectors of them.
void convolve(const float* from, std::size_t step, const std::vector<float>& weights, float* sum, std::size_t n) {
  std::fill_n(sum, n, 0.0f);
  for (std::size_t k = 0; k < weights.size(); ++k)
    for (std::size_t i = 0; i < n; ++i) sum[i] += weights[k] * from[k * step + i];
}

// Separable Gaussian; beyond the border the edge pixel repeats.
void blur(double sigma, Canvas& canvas) {
  if (sigma < 0.15) return;  // nothing an 8-bit picture would show
  const std::vector<float> weights = gaussian(sigma);
  const int reach = static_cast<int>(weights.size() / 2);
  const std::size_t row = 3 * static_cast<std::size_t>(canvas.width);
  std::vector<float> padded(row + 6 * static_cast<std::size_t>(reach)), tall(row * static_cast<std::size_t>(canvas.height + 2 * reach));
  for (int y = 0; y < canvas.height; ++y) {
    float* const line = canvas.at(0, y);
    for (int i = 0; i < reach; ++i) {
      std::copy_n(line, 3, &padded[3 * static_cast<std::size_t>(i)]);
      std::copy_n(line + row - 3, 3, &padded[row + 3 * static_cast<std::size_t>(reach + i)]);
    }
    std::copy_n(line, row, &padded[3 * static_cast<std::size_t>(reach)]);
    convolve(padded.data(), 3, weights, &tall[row * static_cast<std::size_t>(y + reach)], row);
  }
  for (int i = 0; i < reach; ++i) {
    std::copy_n(&tall[row * static_cast<std::size_t>(reach)], row, &tall[row * static_cast<std::size_t>(i)]);
    std::copy_n(&tall[row * static_cast<std::size_t>(reach + canvas.height - 1)], row,
                &tall[row * static_cast<std::size_t>(reach + canvas.height + i)]);
  }
  for (int y = 0; y < canvas.height; ++y) convolve(&tall[row * static_cast<std::size_t>(y)], row, weights, canvas.at(0, y), row);
}

// Near-Gaussian noise: the sum of four uniforms out of one hash, which is many times faster than Box-Muller.
void add_noise(double sigma, std::uint64_t seed, Canvas& canvas) {
  const float scale = static_cast<float>(sigma * std::sqrt(3.0) / 65535.0);  // the sum of four has variance 65535^2 / 3
  std::uint64_t state = seed;
  for (float& level : canvas.rgb) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    const auto sum = static_cast<int>((z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48));
    level += scale * static_cast<float>(sum - 131070);
  }
}

// Brightness of a frame: up and down in turn, by varied amounts.
float flicker_gain(const Scene& scene, int frame) {
  if (!scene.is_video()) return 1;
  Rng rng(scene.texture_seed, stable_hash("flicker"), static_cast<std::uint64_t>(frame));
  const double swing = scene.quality.flicker * rng.uniform(0.6, 1.0);
  return static_cast<float>(1 + (frame % 2 == 0 ? swing : -swing));
}

media::Image quantise(const Canvas& canvas, float gain) {
  media::Image image{.width = canvas.width, .height = canvas.height, .rgb = std::vector<std::uint8_t>(canvas.rgb.size())};
  for (std::size_t i = 0; i < canvas.rgb.size(); ++i)
    image.rgb[i] = static_cast<std::uint8_t>(std::clamp(canvas.rgb[i] * gain + 0.5f, 0.0f, 255.0f));
  return image;
}

}  // namespace

media::Image render(const Scene& scene, int frame) {
  require_internal(frame >= 0 && frame < scene.frames, "render: no such frame");
  Canvas canvas{scene.width, scene.height, std::vector<float>(3 * static_cast<std::size_t>(scene.width * scene.height))};
  const double moved = scene.is_video() ? static_cast<double>(frame) / (scene.frames - 1) - 0.5 : 0;
  draw_background(scene, canvas);
  for (const Clutter& clutter : scene.clutter) draw_clutter(clutter, canvas);
  for (const Object& object : scene.objects)
    draw_object(scene, object, {object.x + moved * scene.drift_x, object.y + moved * scene.drift_y}, canvas);
  blur(scene.quality.blur_px, canvas);
  add_noise(scene.quality.noise, mix_keys(scene.texture_seed, static_cast<std::uint64_t>(frame)), canvas);
  return quantise(canvas, flicker_gain(scene, frame));
}

}  // namespace beholder::world
