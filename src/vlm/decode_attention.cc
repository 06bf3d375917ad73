#include "vlm/decode_attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "vlm/vector_math.h"

namespace beholder::vlm {
namespace {

constexpr int kHeads = 4;  // query heads at a time

// scores[r][p] = q[r] . k[:, p] for kHeads rows and all blocks that hold `keys` keys.
BEHOLDER_INLINE void score(const float* q, const float* k, std::int64_t keys, std::int64_t stride, std::int64_t d, float* scores,
                           std::int64_t width) {
  for (std::int64_t p = 0; p < keys; p += kKeyBlock) {
    Vector sums[kHeads][2] = {};
    for (std::int64_t i = 0; i < d; ++i) {
      Vector a, b;
      load(a, k + i * stride + p);
      load(b, k + i * stride + p + kWidth);
      for (int r = 0; r < kHeads; ++r) {
        sums[r][0] += q[r * d + i] * a;
        sums[r][1] += q[r * d + i] * b;
      }
    }
    for (int r = 0; r < kHeads; ++r) {
      store(scores + r * width + p, sums[r][0]);
      store(scores + r * width + p + kWidth, sums[r][1]);
    }
  }
}

// out[r] += sum_p share[r][p] v[p], kWidth dimensions at a time.
BEHOLDER_INLINE void mix(const float* share, std::int64_t width, const float* v, std::int64_t keys, std::int64_t d, float* out) {
  for (std::int64_t i = 0; i < d; i += kWidth) {
    Vector sums[kHeads];
    for (int r = 0; r < kHeads; ++r) load(sums[r], out + r * d + i);
    for (std::int64_t p = 0; p < keys; ++p) {
      Vector value;
      load(value, v + p * d + i);
      for (int r = 0; r < kHeads; ++r) sums[r] += share[r * width + p] * value;
    }
    for (int r = 0; r < kHeads; ++r) store(out + r * d + i, sums[r]);
  }
}

// The row's greatest score, or `before` if that is greater. What stands behind the keys becomes next to nothing.
BEHOLDER_INLINE float greatest_of(float* row, std::int64_t keys, float before) {
  for (std::int64_t p = keys; p % kKeyBlock != 0; ++p) row[p] = kNothing;
  Vector most = Vector{} + before;
  for (std::int64_t p = 0; p < keys; p += kWidth) {
    Vector x;
    load(x, row + p);
    most = x > most ? x : most;
  }
  for (int i = 0; i < kWidth; ++i) before = std::max(before, most[i]);
  return before;
}

// The row becomes its exponentials; their sum.
BEHOLDER_INLINE float exponentials(float* row, std::int64_t keys, float greatest) {
  Vector sum = {};
  for (std::int64_t p = 0; p < keys; p += kWidth) {
    Vector x;
    load(x, row + p);
    x -= greatest;
    exp_of(x);
    store(row + p, x);
    sum += x;
  }
  float total = 0;
  for (int i = 0; i < kWidth; ++i) total += sum[i];
  return total;
}

struct Keys {
  const float *k, *v;
  std::int64_t count, stride;
};

// kHeads query rows against one prefix and one suffix. `scratch` holds kHeads * (both strides) floats.
BEHOLDER_CLONES void attend_rows(const float* q, const Keys& prefix, const Keys& suffix, std::int64_t d, float* scratch, float* out) {
  float* own = scratch + kHeads * prefix.stride;
  score(q, prefix.k, prefix.count, prefix.stride, d, scratch, prefix.stride);
  score(q, suffix.k, suffix.count, suffix.stride, d, own, suffix.stride);
  float scale[kHeads];
  for (int r = 0; r < kHeads; ++r) {
    float *before = scratch + r * prefix.stride, *after = own + r * suffix.stride;
    const float greatest = greatest_of(after, suffix.count, greatest_of(before, prefix.count, kNothing));
    scale[r] = 1.0f / (exponentials(before, prefix.count, greatest) + exponentials(after, suffix.count, greatest));
  }
  for (std::int64_t i = 0; i < kHeads * d; ++i) out[i] = 0;
  mix(scratch, prefix.stride, prefix.v, prefix.count, d, out);
  mix(own, suffix.stride, suffix.v, suffix.count, d, out);
  for (int r = 0; r < kHeads; ++r)
    for (std::int64_t i = 0; i < d; ++i) out[r * d + i] *= scale[r];
}

}  // namespace

void decode_attend(const DecodeStep& s) {
  const std::int64_t fold = s.query_heads / s.key_heads, d = s.d;
  const float scale = 1.0f / std::sqrt(static_cast<float>(d));
  at::parallel_for(0, s.slots * s.key_heads, 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> scratch(static_cast<std::size_t>(kHeads * (s.prefix_stride + s.suffix_stride + 2 * d)));
    float *q = scratch.data() + kHeads * (s.prefix_stride + s.suffix_stride), *out = q + kHeads * d;
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t slot = task / s.key_heads, head = task % s.key_heads, request = s.request_of[slot];
      const std::int64_t prefix_at = (request * s.key_heads + head) * d * s.prefix_stride, suffix_at = task * d * s.suffix_stride;
      const Keys prefix{s.prefix_k + prefix_at, s.prefix_v + prefix_at, s.prefix_lengths[request], s.prefix_stride};
      const Keys suffix{s.suffix_k + suffix_at, s.suffix_v + suffix_at, s.suffix_length, s.suffix_stride};
      const std::int64_t rows_at = (slot * s.query_heads + head * fold) * d;
      for (std::int64_t row = 0; row < fold; row += kHeads) {
        const std::int64_t count = std::min<std::int64_t>(kHeads, fold - row) * d, at = rows_at + row * d;
        std::fill(q, q + kHeads * d, 0.0f);
        for (std::int64_t i = 0; i < count; ++i) q[i] = s.q[at + i] * scale;
        attend_rows(q, prefix, suffix, d, scratch.data(), out);
        std::copy(out, out + count, s.out + at);
      }
    }
  });
}

}  // namespace beholder::vlm
