// The two resampling passes with AVX2. A 22-bit weight does not fit a 16-bit multiply-add, so it is split into
// 256 * high + low: two vpmaddwd (two taps per lane each) replace two 32-bit multiplications of twice the cost, and the
// integer sums are the same to the bit. This holds while the low sums fit 32 bits: 255 * 255 * taps < 2^31, so to 33,000 taps.
#include "media/resample.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#define BEHOLDER_AVX2 __attribute__((target("avx2")))

namespace beholder::media {
namespace {

constexpr int kRows = 4;       // rows that share the loads of one set of weights
constexpr int kOverread = 16;  // bytes a 16-byte load may take beyond the last pixel of a row

// rgbrgbrgbrgb…: taps 0, 1 as 16-bit pairs (r0 r1)(g0 g1)(b0 b1) in the lower lane, taps 2, 3 in the upper.
BEHOLDER_AVX2 inline __m256i pair_shuffle() {
  return _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
}

struct Sums {
  __m256i high, low;
};

BEHOLDER_AVX2 inline void store_pixel(const Sums& sums, std::uint8_t* to) {
  const __m256i wide = _mm256_add_epi32(_mm256_slli_epi32(sums.high, 8), sums.low);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << (kWeightBits - 1))), kWeightBits);
  sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
  const std::uint32_t rgb = static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum));
  std::memcpy(to, &rgb, 3);
}

// `n` rows at once (1..kRows); each row has kOverread readable bytes behind it.
template <int n>
BEHOLDER_AVX2 void horizontal_rows(const std::uint8_t* const* rows, const Taps& taps, std::uint8_t* const* to) {
  const __m256i pairs = pair_shuffle();
  const __m256i high_lanes = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1), low_lanes = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  for (int x = 0; x < taps.out; ++x) {
    const std::int16_t* w = taps.split.data() + std::size_t{2} * taps.stride * x;
    const std::size_t offset = std::size_t{3} * taps.first[x];
    Sums sums[n];
    for (int r = 0; r < n; ++r) sums[r] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int k = 0; k < taps.count[x]; k += 4) {
      const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w + 2 * k)));
      const __m256i high = _mm256_permutevar8x32_epi32(both, high_lanes), low = _mm256_permutevar8x32_epi32(both, low_lanes);
      for (int r = 0; r < n; ++r) {
        const __m128i pixels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[r] + offset + 3 * k));
        const __m256i p = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(pixels), pairs);
        sums[r].high = _mm256_add_epi32(sums[r].high, _mm256_madd_epi16(p, high));
        sums[r].low = _mm256_add_epi32(sums[r].low, _mm256_madd_epi16(p, low));
      }
    }
    for (int r = 0; r < n; ++r) store_pixel(sums[r], to[r] + std::size_t{3} * x);
  }
}

BEHOLDER_AVX2 void horizontal_avx2(RowsView from, const Taps& taps, std::uint8_t* to) {
  const std::size_t in_bytes = std::size_t{3} * from.width, out_bytes = std::size_t{3} * taps.out;
  // Loads run past the end of a row into the next one (whose weights are 0); only the last rows need room behind them.
  thread_local std::vector<std::uint8_t> tail;
  const int tail_rows = std::min<int>(from.height, static_cast<int>((kOverread + in_bytes - 1) / in_bytes));
  const std::uint8_t* tail_from = from.rgb + in_bytes * (from.height - tail_rows);
  tail.assign(tail_from, tail_from + in_bytes * tail_rows);
  tail.resize(tail.size() + kOverread);
  const auto row = [&](int y) {
    const int behind = y - (from.height - tail_rows);
    return behind >= 0 ? tail.data() + in_bytes * behind : from.rgb + in_bytes * y;
  };
  int y = 0;
  for (; y + kRows <= from.height; y += kRows) {
    const std::uint8_t* rows[kRows] = {row(y), row(y + 1), row(y + 2), row(y + 3)};
    std::uint8_t* out[kRows] = {to + out_bytes * y, to + out_bytes * (y + 1), to + out_bytes * (y + 2), to + out_bytes * (y + 3)};
    horizontal_rows<kRows>(rows, taps, out);
  }
  for (; y < from.height; ++y) {
    const std::uint8_t* rows[1] = {row(y)};
    std::uint8_t* out[1] = {to + out_bytes * y};
    horizontal_rows<1>(rows, taps, out);
  }
}

// 16 columns of one output row: eight sums in each half, two taps at a time.
BEHOLDER_AVX2 inline void vertical_block(const std::uint8_t* in, std::size_t bytes, const std::int32_t* w, int count, std::uint8_t* to) {
  __m256i high_a = _mm256_setzero_si256(), low_a = high_a, high_b = high_a, low_b = high_a;
  for (int k = 0; k < count; k += 2) {
    const __m128i row0 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + bytes * k));
    const __m128i row1 = k + 1 < count ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + bytes * (k + 1))) : _mm_setzero_si128();
    const std::int32_t w0 = w[k], w1 = k + 1 < count ? w[k + 1] : 0;
    const __m256i high = _mm256_set1_epi32((w0 >> 8 & 0xffff) | static_cast<std::int32_t>(static_cast<std::uint32_t>(w1 >> 8) << 16));
    const __m256i low = _mm256_set1_epi32((w0 & 255) | (w1 & 255) << 16);
    const __m256i a = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(row0, row1)), b = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(row0, row1));
    high_a = _mm256_add_epi32(high_a, _mm256_madd_epi16(a, high));
    low_a = _mm256_add_epi32(low_a, _mm256_madd_epi16(a, low));
    high_b = _mm256_add_epi32(high_b, _mm256_madd_epi16(b, high));
    low_b = _mm256_add_epi32(low_b, _mm256_madd_epi16(b, low));
  }
  const __m256i half = _mm256_set1_epi32(1 << (kWeightBits - 1));
  const __m256i a = _mm256_srai_epi32(_mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(high_a, 8), low_a), half), kWeightBits);
  const __m256i b = _mm256_srai_epi32(_mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(high_b, 8), low_b), half), kWeightBits);
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
  const __m128i packed = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
}

BEHOLDER_AVX2 void vertical_avx2(RowsView from, const Taps& taps, std::uint8_t* to) {
  const std::size_t bytes = std::size_t{3} * from.width;
  if (bytes < 16) return portable_kernels().vertical(from, taps, to);
  for (int y = 0; y < taps.out; ++y, to += bytes) {
    const std::uint8_t* in = from.rgb + bytes * taps.first[y];
    const std::int32_t* w = taps.weights.data() + std::size_t{1} * taps.stride * y;
    for (std::size_t x = 0; x + 16 <= bytes; x += 16) vertical_block(in + x, bytes, w, taps.count[y], to + x);
    if (bytes % 16 != 0) vertical_block(in + bytes - 16, bytes, w, taps.count[y], to + bytes - 16);  // overlaps, same values
  }
}

}  // namespace

ResampleKernels avx2_kernels() {
  if (!__builtin_cpu_supports("avx2")) return {nullptr, nullptr};
  return {horizontal_avx2, vertical_avx2};
}

}  // namespace beholder::media

#else

namespace beholder::media {
ResampleKernels avx2_kernels() {
  return {nullptr, nullptr};
}
}  // namespace beholder::media

#endif
