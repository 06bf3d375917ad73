// Norm and rotary position as one pass over memory each, forward and backward. On float32 and bfloat16 CPU tensors they run as single
// loops (a profile of a training step had a third of its time in the chains of small operations they replace); elsewhere
// they are composed of ATen operations. Both ways agree to rounding, and a test holds them together.
#pragma once

#include <ATen/core/Tensor.h>

namespace beholder::vlm {

// x / sqrt(mean(x^2) + eps) * w over the last axis; statistics in float32. x [.., D], w [D] of x's dtype.
at::Tensor rms_normalise(const at::Tensor& x, const at::Tensor& w, double eps);

// x [T, heads, d], cos and sin [T, d/2] in the dtype of the computation: the pair (x_i, x_{i+d/2}) of row t is turned by angle (t, i).
at::Tensor rotate_pairs(const at::Tensor& x_Thd, const at::Tensor& cos, const at::Tensor& sin);

}  // namespace beholder::vlm
