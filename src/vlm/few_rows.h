// y = x W^T for the few rows of a decoding step, where reading the weights once is all the work: a dot-product kernel over bfloat16
// weights as they lie in the checkpoint. (A matrix-multiply library packs them first, which at 8 rows costs more than the product.)
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace beholder::vlm {

inline constexpr std::int64_t kFewRows = 16;

// Whether `few_rows_linear` takes these: bfloat16 on a CPU with AVX512-BF16, 1..16 rows, an inner size that is a multiple of 32, and no
// gradient asked for.
bool takes_few_rows(const at::Tensor& x, const at::Tensor& w);

struct Factor {
  at::Tensor w, bias;  // [N, K], [N] or undefined
};

// x [.., K] (1..16 rows) with each factor -> [.., N], in one parallel region; sums in float32, rounded once. A row's result does not
// depend on the rows beside it.
std::vector<at::Tensor> few_rows_linear(const at::Tensor& x, std::span<const Factor> factors);

}  // namespace beholder::vlm
