// The loops of attention over packed rows (vlm/tree_attention.h): float32, one thread, sixteen columns at a time.
#pragma once

#include <cstdint>

namespace beholder::vlm {

// Whether the loops are faster here than what ATen has: they want the thirty-two wide registers of AVX-512, and on Intel's processors ATen
// multiplies with all of them.
bool has_tree_loops();

// A as the loops see it: element (m, k) lies at data[m * row + k * column], so that a transposed matrix is one, too.
struct Strided {
  const float* data;
  std::int64_t row, column;
};
// C [M, N] += A [M, K] B [K, N]; N a multiple of 16, rows of B and C `b_row` and `c_row` floats apart.
void multiply_add(std::int64_t m, std::int64_t n, std::int64_t k, const Strided& a, const float* b, std::int64_t b_row, float* c,
                  std::int64_t c_row);

// The row becomes its exponentials over their sum; log sum exp of it. `count` is a multiple of 16, what is to count nothing is kNothing.
float softmax_row(float* row, std::int64_t count);
// Of scores: the row becomes exp(row - lse).
void probabilities(float* row, std::int64_t count, float lse);
// Of the gradients of probabilities: gradient[i] = p[i] * (gradient[i] - delta).
void score_gradients(const float* p, float* gradient, std::int64_t count, float delta);

}  // namespace beholder::vlm
