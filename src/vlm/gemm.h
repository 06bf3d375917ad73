// Which library multiplies float32 matrices on the CPU. ATen asks MKL, which uses AVX2 on processors that are not Intel's, half of what
// AVX-512 gives; oneDNN, in the same libtorch, goes by what the processor has.
#pragma once

namespace beholder::vlm {

// From now on at::mm and at::addmm (so at::linear and at::matmul too, and what autograd calls) use oneDNN for products of a million
// multiplications or more, where it is faster: a CPU with AVX-512 that is not Intel's. Returns whether it is. Process-wide, once.
bool use_faster_gemm();

}  // namespace beholder::vlm
