// Which library multiplies float32 matrices on the CPU. ATen asks MKL, which uses AVX2 on processors that are not Intel's, half of what
// AVX-512 gives; oneDNN, in the same libtorch, goes by what the processor has.
#pragma once

#include <ATen/core/Tensor.h>

namespace beholder::vlm {

// a [m,k] b [k,n], float32 on the CPU and not empty, by oneDNN, in pieces along the axis of the tokens: k where a is a transposed matrix
// (the gradient of a weight), else m. oneDNN compiles a kernel for every shape it has not seen, and the number of tokens is another in
// every batch: pieces of a few sizes keep that to the first step. Without oneDNN: ATen's product.
at::Tensor multiply_in_pieces(const at::Tensor& a, const at::Tensor& b);

// From now on at::mm and at::addmm (so at::linear and at::matmul too, and what autograd calls) use oneDNN for products of a million
// multiplications or more, where it is faster: a CPU with AVX-512 that is not Intel's. Returns whether it is. Process-wide, once; loading
// a model calls it.
bool use_faster_gemm();

}  // namespace beholder::vlm
