// The arithmetic of Pillow's 8-bit resampling: coefficient tables and the two one-dimensional passes. Internal to the room.
#pragma once

#include <cstdint>
#include <vector>

namespace beholder::media {

// For every output position: which inputs count (first, count) and their weights in 22-bit fixed point.
struct Taps {
  int in = 0, out = 0;
  int stride = 0;                     // weights per output position, a multiple of 4, padded with 0
  std::vector<int> first, count;      // [out]
  std::vector<std::int32_t> weights;  // [out, stride]
  // The same weights split for 16-bit multiply-add, w = 256 * high + low (0 <= low < 256), in groups of four taps:
  // h0 h1 h2 h3 l0 l1 l2 l3.
  std::vector<std::int16_t> split;  // [out, 2 * stride]
};

constexpr int kWeightBits = 22;

// Catmull-Rom (a = -0.5), support 2 input pixels, widened by in/out where that is above 1 (antialiasing).
Taps bicubic_taps(int in, int out);

// A view of `height` rows of `width` RGB pixels, rows 3 * width bytes apart.
struct RowsView {
  const std::uint8_t* rgb;
  int width, height;
};

// width taps.in -> taps.out; `to` holds height * taps.out * 3 bytes.
void resample_horizontal(RowsView from, const Taps& taps, std::uint8_t* to);
// height taps.in -> taps.out; `to` holds taps.out * width * 3 bytes.
void resample_vertical(RowsView from, const Taps& taps, std::uint8_t* to);

// One implementation of the two passes. The portable one always exists; the fast one is null where the processor lacks AVX2.
struct ResampleKernels {
  void (*horizontal)(RowsView from, const Taps& taps, std::uint8_t* to);
  void (*vertical)(RowsView from, const Taps& taps, std::uint8_t* to);
};
ResampleKernels portable_kernels();
ResampleKernels avx2_kernels();

}  // namespace beholder::media
