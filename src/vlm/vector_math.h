// Registers of sixteen floats, for loops under BEHOLDER_CLONES (vlm/clones.h).
#pragma once

#include <cstdint>
#include <cstring>

#include "vlm/clones.h"

namespace beholder::vlm {

inline constexpr int kWidth = 16;  // floats in a register, or in two
using Vector = float __attribute__((vector_size(kWidth * sizeof(float))));
using Whole = std::int32_t __attribute__((vector_size(kWidth * sizeof(float))));

inline constexpr float kNothing = -1e30f;  // a score whose exponential is 0

BEHOLDER_INLINE void load(Vector& v, const float* from) {
  std::memcpy(&v, from, sizeof v);
}
BEHOLDER_INLINE void store(float* to, const Vector& v) {
  std::memcpy(to, &v, sizeof v);
}

// exp(x) for x <= 0: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]; 0 below exp(-87), for numbers next to 0 are slow to multiply.
BEHOLDER_INLINE void exp_of(Vector& x) {
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f, kRounder = 12582912.0f;  // 1.5 * 2^23
  const Whole nothing = x < -87.0f;
  x = nothing ? Vector{} : x;
  const Vector shifted = x * kLog2e + kRounder, n = shifted - kRounder;
  const Vector r = x - n * kLn2High - n * kLn2Low;
  Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Whole power = (__builtin_convertvector(n, Whole) + 127) << 23;
  Vector scale;
  std::memcpy(&scale, &power, sizeof scale);
  x = nothing ? Vector{} : p * scale;
}

}  // namespace beholder::vlm
