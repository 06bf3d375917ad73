#include "media/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace beholder::media {
namespace {

constexpr double kSupport = 2.0, kA = -0.5;

double catmull_rom(double x) {
  x = std::fabs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(weight < 0 ? -0.5 + scaled : 0.5 + scaled);  // truncation towards zero is the rounding
}

void split_weights(Taps& taps) {
  taps.split.resize(taps.weights.size() * 2);
  for (std::size_t group = 0; group < taps.weights.size(); group += 4)
    for (std::size_t k = 0; k < 4; ++k) {
      const std::int32_t w = taps.weights[group + k];
      taps.split[2 * group + k] = static_cast<std::int16_t>(w >> 8);
      taps.split[2 * group + 4 + k] = static_cast<std::int16_t>(w & 255);
    }
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

void horizontal(RowsView from, const Taps& taps, std::uint8_t* to) {
  for (int y = 0; y < from.height; ++y) {
    const std::uint8_t* row = from.rgb + std::size_t{3} * from.width * y;
    for (int x = 0; x < taps.out; ++x, to += 3) {
      const std::int32_t* w = taps.weights.data() + std::size_t{1} * taps.stride * x;
      const std::uint8_t* in = row + std::size_t{3} * taps.first[x];
      std::int32_t sum[3] = {kHalf, kHalf, kHalf};
      for (int k = 0; k < taps.count[x]; ++k)
        for (int c = 0; c < 3; ++c) sum[c] += in[3 * k + c] * w[k];
      for (int c = 0; c < 3; ++c) to[c] = to_byte(sum[c]);
    }
  }
}

void vertical(RowsView from, const Taps& taps, std::uint8_t* to) {
  const std::size_t bytes = std::size_t{3} * from.width;
  std::vector<std::int32_t> sum(bytes);
  for (int y = 0; y < taps.out; ++y, to += bytes) {
    std::fill(sum.begin(), sum.end(), kHalf);
    for (int k = 0; k < taps.count[y]; ++k) {
      const std::int32_t w = taps.weights[std::size_t{1} * taps.stride * y + k];
      const std::uint8_t* in = from.rgb + bytes * (taps.first[y] + k);
      for (std::size_t i = 0; i < bytes; ++i) sum[i] += in[i] * w;
    }
    for (std::size_t i = 0; i < bytes; ++i) to[i] = to_byte(sum[i]);
  }
}

const ResampleKernels& best_kernels() {
  static const ResampleKernels kernels = avx2_kernels().horizontal ? avx2_kernels() : portable_kernels();
  return kernels;
}

}  // namespace

// Follows Pillow's floating-point steps one by one: a weight that differs in its last bit can round to another integer.
Taps bicubic_taps(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kSupport * filter_scale, inverse = 1.0 / filter_scale;
  Taps taps;
  taps.in = in;
  taps.out = out;
  taps.stride = (static_cast<int>(std::ceil(support)) * 2 + 1 + 3) / 4 * 4;
  taps.first.resize(out);
  taps.count.resize(out);
  taps.weights.resize(std::size_t{1} * out * taps.stride);
  std::vector<double> raw(taps.stride);
  for (int x = 0; x < out; ++x) {
    const double centre = (x + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int count = std::min(in, static_cast<int>(centre + support + 0.5)) - first;
    double total = 0;
    for (int k = 0; k < count; ++k) {
      raw[k] = catmull_rom((k + first - centre + 0.5) * inverse);
      total += raw[k];
    }
    for (int k = 0; k < count; ++k) taps.weights[std::size_t{1} * taps.stride * x + k] = to_fixed(total != 0.0 ? raw[k] / total : raw[k]);
    taps.first[x] = first;
    taps.count[x] = count;
  }
  split_weights(taps);
  return taps;
}

ResampleKernels portable_kernels() {
  return {horizontal, vertical};
}

void resample_horizontal(RowsView from, const Taps& taps, std::uint8_t* to) {
  best_kernels().horizontal(from, taps, to);
}
void resample_vertical(RowsView from, const Taps& taps, std::uint8_t* to) {
  best_kernels().vertical(from, taps, to);
}

}  // namespace beholder::media
