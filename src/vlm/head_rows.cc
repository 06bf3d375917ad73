#include "vlm/head_rows.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "vlm/loops.h"

namespace beholder::vlm {
namespace {

// exp(x) for x <= 0, to 2 ulp; 1e-38 where that is too little. By 2^n times the usual polynomial on [-ln 2 / 2, ln 2 / 2].
BEHOLDER_INLINE float exp_of_negative(float x) {
  x = x < -87.0f ? -87.0f : x;
  const float n = __builtin_floorf(x * 1.44269504f + 0.5f), r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return (p * r * r + r + 1.0f) * __builtin_bit_cast(float, (static_cast<std::int32_t>(n) + 127) << 23);
}

struct RowSums {
  float greatest, sum, dot;  // sum of e = exp((z - greatest) / temperature), and of e times the exponent
  std::uint32_t magnitude;   // the greatest |z| by its bits, which sorts a NaN above all: comparing floats would drop it
};

constexpr std::uint32_t kInfinityBits = 0x7f800000;

template <class T>
BEHOLDER_INLINE RowSums sums_loop(const T* z, std::int64_t v, float scale) {
  float greatest = wide(z[0]);
  std::uint32_t magnitude = 0;
  for (std::int64_t i = 0; i < v; ++i) {
    const float x = wide(z[i]);
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, x) & 0x7fffffff;
    greatest = x > greatest ? x : greatest;
    magnitude = bits > magnitude ? bits : magnitude;
  }
  float sum = 0, dot = 0;
  for (std::int64_t i = 0; i < v; ++i) {
    const float x = (wide(z[i]) - greatest) * scale, e = exp_of_negative(x);
    sum += e;
    dot += e * x;
  }
  return {greatest, sum, dot, magnitude};
}

template <class T>
BEHOLDER_INLINE void gradient_loop(T* z, std::int64_t v, float scale, float normaliser, float upstream) {
  for (std::int64_t i = 0; i < v; ++i) narrow(z[i], -upstream * exp_of_negative(wide(z[i]) * scale - normaliser));
}

// One clone per type: attributes do not reach through templates.
#define BEHOLDER_HEAD_LOOPS(T)                                                                                  \
  BEHOLDER_FAST_CLONES RowSums row_sums(const T* z, std::int64_t v, float scale) {                              \
    return sums_loop(z, v, scale);                                                                              \
  }                                                                                                             \
  BEHOLDER_FAST_CLONES void gradient_row(T* z, std::int64_t v, float scale, float normaliser, float upstream) { \
    gradient_loop(z, v, scale, normaliser, upstream);                                                           \
  }
BEHOLDER_HEAD_LOOPS(float)
BEHOLDER_HEAD_LOOPS(c10::BFloat16)

}  // namespace

bool has_row_loops(const at::Tensor& logits_RV) {
  return logits_RV.is_cpu() && logits_RV.is_contiguous() &&
         (logits_RV.scalar_type() == at::kFloat || logits_RV.scalar_type() == at::kBFloat16);
}

void score_rows(const at::Tensor& logits_RV, const at::Tensor& target_R, double temperature, at::Tensor& logprob_R,
                at::Tensor& normaliser_R, at::Tensor* entropy_R) {
  const std::int64_t v = logits_RV.size(1);
  const std::int64_t* target = target_R.const_data_ptr<std::int64_t>();
  float *logprob = logprob_R.data_ptr<float>(), *normaliser = normaliser_R.data_ptr<float>(),
        *entropy = entropy_R ? entropy_R->data_ptr<float>() : nullptr;
  const auto scale = static_cast<float>(1 / temperature);
  typed(logits_RV, [&](auto type) {
    using T = decltype(type);
    const T* z = logits_RV.const_data_ptr<T>();
    at::parallel_for(0, logits_RV.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        RowSums sums = row_sums(z + r * v, v, scale);
        if (sums.magnitude > kInfinityBits) sums.sum = std::numeric_limits<float>::quiet_NaN();
        normaliser[r] = sums.greatest * scale + std::log(sums.sum);
        logprob[r] = wide(z[r * v + target[r]]) * scale - normaliser[r];
        if (entropy) entropy[r] = std::log(sums.sum) - sums.dot / sums.sum;
      }
    });
  });
}

void gradient_rows(at::Tensor& logits_RV, const at::Tensor& target_R, double temperature, const at::Tensor& normaliser_R,
                   const at::Tensor& upstream_R) {
  const std::int64_t v = logits_RV.size(1);
  const std::int64_t* target = target_R.const_data_ptr<std::int64_t>();
  const float *normaliser = normaliser_R.const_data_ptr<float>(), *upstream = upstream_R.const_data_ptr<float>();
  const auto scale = static_cast<float>(1 / temperature);
  typed(logits_RV, [&](auto type) {
    using T = decltype(type);
    T* z = logits_RV.data_ptr<T>();
    at::parallel_for(0, logits_RV.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        T& own = z[r * v + target[r]];
        const float chance = std::exp(wide(own) * scale - normaliser[r]), factor = upstream[r] * scale;
        if (std::isnan(normaliser[r])) {
          std::fill(z + r * v, z + (r + 1) * v, std::numeric_limits<T>::quiet_NaN());
          continue;
        }
        gradient_row(z + r * v, v, scale, normaliser[r], factor);
        narrow(own, factor * (1 - chance));
      }
    });
  });
}

}  // namespace beholder::vlm
