// One decoding step's attention on the CPU as one loop per continuation and key head, in float32. The same sums as chains of tensor
// operations take twenty of them per layer, which at a few hundred keys is most of a step.
#pragma once

#include <cstdint>

namespace beholder::vlm {

inline constexpr std::int64_t kKeyBlock = 32;  // strides of keys are multiples of it

// Letters as in kv_cache.h; S slots, the continuations. Keys lie with the head's dimension outside, so that a score is a sum of whole
// registers.
struct DecodeStep {
  const float* q;                      // [S, H, d]
  const float *prefix_k, *prefix_v;    // [R, K, d, P], [R, K, P, d]; P a multiple of kKeyBlock
  const float *suffix_k, *suffix_v;    // [S, K, d, N], [S, K, N, d]; N likewise
  const std::int64_t* prefix_lengths;  // [R], each <= P
  const std::int64_t* request_of;      // [S]
  float* out;                          // [S, H, d]
  std::int64_t slots, key_heads, query_heads, d, prefix_stride, suffix_stride;
  std::int64_t suffix_length;  // keys of the suffix, <= N; the same for all
};

// softmax(q K^T / sqrt(d)) V over prefix and suffix. d is a multiple of 16. Runs in ATen's threads.
void decode_attend(const DecodeStep& step);

}  // namespace beholder::vlm
