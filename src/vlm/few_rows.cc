#include "vlm/few_rows.h"

#include <torch/types.h>

#include <utility>

#include "vlm/share_work.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of undefined registers in gcc 12's own header
#define BEHOLDER_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#endif

namespace beholder::vlm {

#ifdef BEHOLDER_BF16
namespace {

constexpr int kLanes = 16;                      // sums of a block, one register each, folded together at its end
constexpr int kSet = 8;                         // rows of x that pass a block of weights together
constexpr int kInOrder = 4;                     // up to so many, memory is what bounds: weights are fetched in the order in which they lie
constexpr std::int64_t kStep = 32;              // bfloat16 values in a register
constexpr std::int64_t kAhead = 2048;           // weights between a load and its prefetch
constexpr std::int64_t kTaskWeights = 1 << 18;  // weights per task

// Lane i of the result is the sum of the lanes of a[i]; the same tree of additions for every i.
BEHOLDER_BF16 inline __m512 fold(__m512 (&a)[kLanes]) {
  for (int i = 0; i < kLanes; i += 2)  // pairs of neighbouring sums, halved
    a[i] = _mm512_add_ps(_mm512_unpacklo_ps(a[i], a[i + 1]), _mm512_unpackhi_ps(a[i], a[i + 1]));
  for (int i = 0; i < kLanes; i += 4) {
    const __m512d x = _mm512_castps_pd(a[i]), y = _mm512_castps_pd(a[i + 2]);
    a[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
  }
  // a[0], a[4], a[8], a[12]: in each quarter, four sums of that quarter's lanes.
  for (int i = 0; i < kLanes; i += 8)
    a[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a[i], a[i + 4], 0x88), _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd));
  return _mm512_add_ps(_mm512_shuffle_f32x4(a[0], a[8], 0x88), _mm512_shuffle_f32x4(a[0], a[8], 0xdd));
}

// What the product works on: x [M, k], w [n, k], bias [n] or null, y [M, n].
struct FewRows {
  const c10::BFloat16 *x, *w, *bias;
  c10::BFloat16* y;
  std::int64_t n, k;
};

// Outputs begin..end of M rows of x from `first` on, kLanes / M outputs at a time. Of these one or two rows of x take one row of weights
// after the other: a single stream is read a quarter faster than several, which are a row (often 4 KB) apart and fall on each other's
// places in the first cache.
template <int M>
BEHOLDER_BF16 void product(const FewRows& p, std::int64_t begin, std::int64_t end, std::int64_t first) {
  constexpr int kOutputs = kLanes / M, kTogether = M <= 2 ? 1 : kOutputs;
  const c10::BFloat16* x = p.x + first * p.k;
  for (std::int64_t o = begin; o < end; o += kOutputs) {
    const int outputs = static_cast<int>(std::min<std::int64_t>(kOutputs, end - o));
    __m512 sums[kLanes];
    for (__m512& sum : sums) sum = _mm512_setzero_ps();
    for (int part = 0; part < outputs; part += kTogether) {
      const c10::BFloat16* rows[kTogether];
      for (int j = 0; j < kTogether; ++j)
        rows[j] = p.w + (o + std::min(part + j, outputs - 1)) * p.k;  // the last one again where there are no more
      __m512 partial[kTogether * M];
      for (__m512& sum : partial) sum = _mm512_setzero_ps();
      for (std::int64_t i = 0; i < p.k; i += kStep) {
        __m512bh weights[kTogether];
        for (int j = 0; j < kTogether; ++j) {
          const c10::BFloat16* now = M <= kInOrder ? rows[0] + kTogether * i + j * kStep : rows[j] + i;
          _mm_prefetch(reinterpret_cast<const char*>(now + kTogether * kAhead), _MM_HINT_T0);
        }
        for (int j = 0; j < kTogether; ++j) weights[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(rows[j] + i));
        for (int m = 0; m < M; ++m) {
          const auto values = reinterpret_cast<__m512bh>(_mm512_loadu_si512(x + m * p.k + i));
          for (int j = 0; j < kTogether; ++j) partial[j * M + m] = _mm512_dpbf16_ps(partial[j * M + m], weights[j], values);
        }
      }
      for (int s = 0; s < kTogether * M; ++s) sums[part * M + s] = partial[s];
    }
    alignas(64) float folded[kLanes];
    _mm512_store_ps(folded, fold(sums));
    for (int j = 0; j < outputs; ++j)
      for (int m = 0; m < M; ++m) p.y[(first + m) * p.n + o + j] = folded[j * M + m] + (p.bias ? static_cast<float>(p.bias[o + j]) : 0.0f);
  }
}

using Product = void (*)(const FewRows&, std::int64_t begin, std::int64_t end, std::int64_t first);

template <int... M>
Product product_of(std::int64_t rows, std::integer_sequence<int, M...>) {
  static constexpr Product kProducts[] = {product<M + 1>...};
  return kProducts[rows - 1];
}

const bool kHasBf16 = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");

}  // namespace

bool takes_few_rows(const at::Tensor& x, const at::Tensor& w) {
  const std::int64_t k = w.size(1);
  return kHasBf16 && x.is_cpu() && x.scalar_type() == at::kBFloat16 && w.scalar_type() == at::kBFloat16 && w.is_contiguous() &&
         k % kStep == 0 && x.numel() <= kFewRows * k && x.numel() > 0 &&
         !(at::GradMode::is_enabled() && (x.requires_grad() || w.requires_grad()));
}

std::vector<at::Tensor> few_rows_linear(const at::Tensor& x_in, std::span<const Factor> factors) {
  const at::Tensor x = x_in.contiguous();
  const std::int64_t k = x.size(-1), rows = x.numel() / k;
  std::vector<at::Tensor> out, biases;
  std::vector<FewRows> operands;
  std::vector<std::int64_t> ends;  // blocks of kLanes outputs, counted through all factors
  for (const Factor& factor : factors) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = factor.w.size(0);
    out.push_back(at::empty(shape, x.options()));
    if (factor.bias.defined()) biases.push_back(factor.bias.contiguous());
    operands.push_back({.x = x.data_ptr<c10::BFloat16>(),
                        .w = factor.w.data_ptr<c10::BFloat16>(),
                        .bias = factor.bias.defined() ? biases.back().data_ptr<c10::BFloat16>() : nullptr,
                        .y = out.back().data_ptr<c10::BFloat16>(),
                        .n = shape.back(),
                        .k = k});
    ends.push_back((ends.empty() ? 0 : ends.back()) + (shape.back() + kLanes - 1) / kLanes);
  }
  const auto outputs = [&](const FewRows& p, std::int64_t begin, std::int64_t end) {
    const std::int64_t step = rows <= kSet ? end : kLanes;  // the second set finds the weights of a step in the cache
    for (std::int64_t o = begin; o < end; o += step)
      for (std::int64_t first = 0; first < rows; first += kSet)
        product_of(std::min<std::int64_t>(kSet, rows - first), std::make_integer_sequence<int, kSet>{})(p, o, std::min(end, o + step),
                                                                                                        first);
  };
  share_work(ends.back(), std::max<std::int64_t>(1, kTaskWeights / k / kLanes), [&](std::int64_t first, std::int64_t last) {
    for (std::size_t f = 0; f < operands.size(); ++f) {
      const std::int64_t begin = f == 0 ? 0 : ends[f - 1];
      if (first >= ends[f] || last <= begin) continue;
      outputs(operands[f], std::max<std::int64_t>(0, first - begin) * kLanes, std::min(operands[f].n, (last - begin) * kLanes));
    }
  });
  return out;
}

#else

bool takes_few_rows(const at::Tensor&, const at::Tensor&) {
  return false;
}
std::vector<at::Tensor> few_rows_linear(const at::Tensor& x, std::span<const Factor> factors) {
  std::vector<at::Tensor> out;
  for (const Factor& factor : factors) out.push_back(at::linear(x, factor.w, factor.bias));
  return out;
}

#endif

}  // namespace beholder::vlm
