// What the loops over float32 or bfloat16 share.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "vlm/clones.h"

namespace beholder::vlm {

// Loops over float32 or bfloat16, in float32 between a load and a store. (std::bit_cast would stay a call: it is compiled with other
// options than the loops.)
BEHOLDER_INLINE float wide(float x) {
  return x;
}
BEHOLDER_INLINE float wide(c10::BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(x.x) << 16);
}
BEHOLDER_INLINE void narrow(float& to, float x) {
  to = x;
}
BEHOLDER_INLINE void narrow(c10::BFloat16& to, float x) {  // to the nearest, ties to even
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  to.x = static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}

// Calls f with a value of the tensor's type: float or bfloat16.
template <class F>
void typed(const at::Tensor& x, F&& f) {
  if (x.scalar_type() == at::kFloat)
    f(float{});
  else
    f(c10::BFloat16{});
}

}  // namespace beholder::vlm
