#include "world/inspect_plane.h"

#include <algorithm>
#include <cmath>

namespace beholder::world::inspection {
namespace {

constexpr double kLeastSigma = 0.15;  // px; below it nothing changes

std::vector<float> kernel(double sigma) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  std::vector<float> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) sum += std::exp(-0.5 * i * i / (sigma * sigma));
  for (int i = -reach; i <= reach; ++i) weights.push_back(static_cast<float>(std::exp(-0.5 * i * i / (sigma * sigma)) / sum));
  return weights;
}

// Filters one line of `n` values that lie `step` apart.
void filter_line(const float* from, float* to, int n, std::size_t step, const std::vector<float>& weights) {
  const int reach = static_cast<int>(weights.size() / 2);
  for (int i = 0; i < n; ++i) {
    float sum = 0;
    for (int k = -reach; k <= reach; ++k)
      sum += weights[static_cast<std::size_t>(k + reach)] * from[static_cast<std::size_t>(std::clamp(i + k, 0, n - 1)) * step];
    to[static_cast<std::size_t>(i) * step] = sum;
  }
}

}  // namespace

Plane::Plane(int columns, int rows, float value)
    : width(columns), height(rows), level(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows), value) {}

float Plane::between(double x, double y) const {
  const double px = std::clamp(x - 0.5, 0.0, width - 1.0), py = std::clamp(y - 0.5, 0.0, height - 1.0);
  const int x0 = static_cast<int>(px), y0 = static_cast<int>(py), x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
  const auto fx = static_cast<float>(px - x0), fy = static_cast<float>(py - y0);
  const float top = at(x0, y0) + fx * (at(x1, y0) - at(x0, y0)), bottom = at(x0, y1) + fx * (at(x1, y1) - at(x0, y1));
  return top + fy * (bottom - top);
}

Plane smooth(const Plane& plane, double sigma) {
  if (sigma < kLeastSigma) return plane;
  const std::vector<float> weights = kernel(sigma);
  Plane rows(plane.width, plane.height), out(plane.width, plane.height);
  for (int y = 0; y < plane.height; ++y) filter_line(&plane.level[plane.index(0, y)], &rows.at(0, y), plane.width, 1, weights);
  for (int x = 0; x < plane.width; ++x)
    filter_line(&rows.level[rows.index(x, 0)], &out.at(x, 0), plane.height, static_cast<std::size_t>(plane.width), weights);
  return out;
}

Opponent opponent_of(const media::Image& image) {
  const Plane empty(image.width, image.height);
  Opponent out{empty, empty, empty};
  for (std::size_t i = 0; i < empty.level.size(); ++i) {
    const float r = image.rgb[3 * i], g = image.rgb[3 * i + 1], b = image.rgb[3 * i + 2];
    out.light.level[i] = (r + g + b) / 3;
    out.a.level[i] = r - (g + b) / 2;
    out.b.level[i] = 0.8660254f * (g - b);
  }
  return out;
}

Opponent smooth(const Opponent& image, double sigma) {
  return {smooth(image.light, sigma), smooth(image.a, sigma), smooth(image.b, sigma)};
}

float quantile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

}  // namespace beholder::world::inspection
