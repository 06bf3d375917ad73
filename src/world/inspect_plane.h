// Planes of float levels, and what the inspector sees through: brightness, and colour as a vector in the plane across the grey axis. There
// every mixture of a colour with a grey lies on the line from the origin to the colour, so the length along it says how much of a pixel
// the coloured thing covers, whatever grey is behind it.
#pragma once

#include <cstddef>
#include <vector>

#include "media/image.h"

namespace beholder::world::inspection {

struct Plane {
  int width = 0, height = 0;  // px
  std::vector<float> level;   // height * width, row by row

  Plane() = default;
  Plane(int columns, int rows, float value = 0);
  float& at(int x, int y) { return level[index(x, y)]; }
  float at(int x, int y) const { return level[index(x, y)]; }
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  bool inside(int x, int y) const { return x >= 0 && y >= 0 && x < width && y < height; }
  // Between the four nearest pixel centres (the centre of the first pixel is (0.5, 0.5)); beyond the border the edge pixel repeats.
  float between(double x, double y) const;
};

// Separable Gaussian of `sigma` px; beyond the border the edge pixel repeats.
Plane smooth(const Plane& plane, double sigma);

// Of 255. a = R - (G + B) / 2, b = sqrt(3) / 2 (G - B): both 0 for grey; noise of sigma s in R, G and B is noise of 1.22 s in a and in b.
struct Opponent {
  Plane light, a, b;
};
inline constexpr double kChromaNoise = 1.2247;
Opponent opponent_of(const media::Image& image);
Opponent smooth(const Opponent& image, double sigma);

// The value that `share` of the values lie below; 0 for none.
float quantile(std::vector<float> values, double share);

}  // namespace beholder::world::inspection
