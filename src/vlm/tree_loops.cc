#include "vlm/tree_loops.h"

#include "vlm/vector_math.h"

namespace beholder::vlm {
namespace {

constexpr std::int64_t kDepth = 128;  // of a product: so many rows of B stay in the first cache

// kRows x kVectors registers of C, which are read and written once.
template <int kRows, int kVectors>
BEHOLDER_INLINE void tile(std::int64_t depth, const Strided& a, const float* b, std::int64_t b_row, float* c, std::int64_t c_row) {
  Vector sums[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) load(sums[r][v], c + r * c_row + v * kWidth);
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) load(row[v], b + k * b_row + v * kWidth);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const float value = a.data[r * a.row + k * a.column];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] += value * row[v];
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(c + r * c_row + v * kWidth, sums[r][v]);
}

template <int kVectors>
BEHOLDER_INLINE void column(std::int64_t m, std::int64_t depth, Strided a, const float* b, std::int64_t b_row, float* c,
                            std::int64_t c_row) {
  for (; m >= 6; m -= 6, a.data += 6 * a.row, c += 6 * c_row) tile<6, kVectors>(depth, a, b, b_row, c, c_row);
  if (m >= 4) {
    tile<4, kVectors>(depth, a, b, b_row, c, c_row);
    m -= 4, a.data += 4 * a.row, c += 4 * c_row;
  }
  for (; m > 0; --m, a.data += a.row, c += c_row) tile<1, kVectors>(depth, a, b, b_row, c, c_row);
}

}  // namespace

bool has_tree_loops() {
#if BEHOLDER_HAS_CLONES
  static const bool there = __builtin_cpu_supports("x86-64-v4") && !__builtin_cpu_is("intel");
  return there;
#else
  return false;
#endif
}

BEHOLDER_CLONES void multiply_add(std::int64_t m, std::int64_t n, std::int64_t k, const Strided& a, const float* b, std::int64_t b_row,
                                  float* c, std::int64_t c_row) {
  for (std::int64_t first = 0; first < k; first += kDepth) {
    const std::int64_t depth = k - first < kDepth ? k - first : kDepth;
    const Strided part{a.data + first * a.column, a.row, a.column};
    const float* rows = b + first * b_row;
    std::int64_t at = 0;
    for (; at + 4 * kWidth <= n; at += 4 * kWidth) column<4>(m, depth, part, rows + at, b_row, c + at, c_row);
    if (at + 2 * kWidth <= n) {
      column<2>(m, depth, part, rows + at, b_row, c + at, c_row);
      at += 2 * kWidth;
    }
    if (at < n) column<1>(m, depth, part, rows + at, b_row, c + at, c_row);
  }
}

BEHOLDER_CLONES float softmax_row(float* row, std::int64_t count) {
  Vector most = Vector{} + kNothing, sum = {};
  for (std::int64_t i = 0; i < count; i += kWidth) {
    Vector x;
    load(x, row + i);
    most = x > most ? x : most;
  }
  float greatest = most[0], total = 0;
  for (int i = 1; i < kWidth; ++i) greatest = most[i] > greatest ? most[i] : greatest;
  for (std::int64_t i = 0; i < count; i += kWidth) {
    Vector x;
    load(x, row + i);
    x -= greatest;
    exp_of(x);
    store(row + i, x);
    sum += x;
  }
  for (int i = 0; i < kWidth; ++i) total += sum[i];
  const float share = 1.0f / total;
  for (std::int64_t i = 0; i < count; i += kWidth) {
    Vector x;
    load(x, row + i);
    store(row + i, x * share);
  }
  return greatest + __builtin_logf(total);
}

BEHOLDER_CLONES void probabilities(float* row, std::int64_t count, float lse) {
  for (std::int64_t i = 0; i < count; i += kWidth) {
    Vector x;
    load(x, row + i);
    x -= lse;
    exp_of(x);
    store(row + i, x);
  }
}

BEHOLDER_CLONES void score_gradients(const float* p, float* gradient, std::int64_t count, float delta) {
  for (std::int64_t i = 0; i < count; i += kWidth) {
    Vector share, g;
    load(share, p + i);
    load(g, gradient + i);
    store(gradient + i, share * (g - delta));
  }
}

}  // namespace beholder::vlm
