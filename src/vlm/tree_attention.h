// Attention over packed rows on the CPU, forward and backward, without copies of what several rows share: a prefix is read where it lies by
// all that continue it, a key head by all query heads that use it. Softmax in one pass over a block of query rows, sums in float32.
// ATen's flash attention multiplies with MKL, which takes half of an AMD processor's registers.
#pragma once

#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <vector>

namespace beholder::vlm {

struct RowSpan {
  std::int64_t begin = 0, length = 0;
  auto operator<=>(const RowSpan&) const = default;
};
// Rows in a stretch, which see all rows of `before` and of their own stretch those up to themselves, or all.
struct AttentionRun {
  RowSpan own{};
  bool causal = false;
  std::vector<RowSpan> before{};
};
using AttentionRuns = std::shared_ptr<const std::vector<AttentionRun>>;  // every row is in one of them

// float32 or bfloat16 on a processor with AVX-512.
bool takes_tree_attention(const at::Tensor& q);

// q [T,H,d], k and v [T,K,d] -> [T, H*d]; scaled by 1/sqrt(d). H is a multiple of K. Differentiable.
at::Tensor tree_attention(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionRuns& runs);

}  // namespace beholder::vlm
