// Weights in 8 or 4 bits, for decoding on the CPU, where reading the weights is all the work. Along a row, 32 weights share a scale (the
// shape of llama.cpp's Q8_0 and Q4_0: 8.5 and 4.5 bits a weight); the activations of a decoding step are rounded to 8 bits in the same
// groups, and products are summed as whole numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace beholder::vlm {

// w [n, k] = scale * (code - zero), zero = 128 or 8. Codes and scales lie as the product reads them: 16 rows beside each other, group
// after group.
struct Quantised {
  int bits = 8;
  std::int64_t n = 0, k = 0;
  at::Tensor codes;   // uint8 [n/16, k/32, 32 * 16 * bits / 8]
  at::Tensor scales;  // float16 [n/16, k/32, 16]
};

// A matrix on the CPU with n a multiple of 16 and k of 32.
bool can_quantise(const at::Tensor& w_NK);
// bits: 8, the largest weight of a group at +-127; or 4, the scale with the least squared error of a few.
Quantised quantise(const at::Tensor& w_NK, int bits);
at::Tensor dequantise(const Quantised& w, at::ScalarType dtype);  // [n, k]

struct QuantisedFactor {
  const Quantised* w;
  at::Tensor bias;  // [n] or undefined
};

// x [.., k] with each factor -> [.., n] in x's dtype, in one parallel region. A row's result does not depend on the rows beside it. No
// gradient. plain: by the loops of machines without AVX-512 VNNI, equal but for the order of float32 sums.
std::vector<at::Tensor> quantised_linear(const at::Tensor& x, std::span<const QuantisedFactor> factors, bool plain = false);

}  // namespace beholder::vlm
