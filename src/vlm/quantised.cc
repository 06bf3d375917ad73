// The product with quantised weights.
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "vlm/clones.h"
#include "vlm/quantised_layout.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of undefined registers in gcc 12's own header
#define BEHOLDER_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,f16c")))
#endif

namespace beholder::vlm {
namespace {

constexpr int kMostRows = 8;                       // activations that pass a block of weights together
constexpr int kSums = 8;                           // vectors of sums a product works on: fewer activations take more blocks
constexpr std::int64_t kUnit = 4;                  // blocks that stay together
constexpr std::int64_t kWeightsPerTask = 1 << 17;  // weights per task

// Activations in groups: x = scale * code.
struct Activations {
  std::int64_t rows, groups;
  std::vector<std::int8_t> codes;  // [rows, groups, 32]
  std::vector<float> scales;       // [rows, groups]
  std::vector<std::int32_t> sums;  // [rows, groups]: of the codes
};

BEHOLDER_FAST_CLONES void round_group(const float* x, std::int8_t* codes, float& scale, std::int32_t& sum) {
  float largest = 0;
  for (int i = 0; i < kGroup; ++i) largest = std::max(largest, std::abs(x[i]));
  scale = largest / 127;
  const float inverse = largest == 0 ? 0.0f : 127 / largest;
  sum = 0;
  for (int i = 0; i < kGroup; ++i) {
    const auto code = static_cast<std::int32_t>(std::nearbyint(x[i] * inverse));
    codes[i] = static_cast<std::int8_t>(code);
    sum += code;
  }
}

Activations round_activations(const at::Tensor& x_MK) {
  const at::Tensor x = x_MK.to(at::kFloat).contiguous();
  Activations out{.rows = x.size(0), .groups = x.size(1) / kGroup, .codes = {}, .scales = {}, .sums = {}};
  const auto count = static_cast<std::size_t>(out.rows * out.groups);
  out.codes.resize(count * kGroup), out.scales.resize(count), out.sums.resize(count);
  for (std::size_t g = 0; g < count; ++g)
    round_group(x.data_ptr<float>() + g * kGroup, out.codes.data() + g * kGroup, out.scales[g], out.sums[g]);
  return out;
}

struct Operands {
  const Quantised* w;
  const Activations* x;
  float* y;  // [rows, n]
};

// Blocks `block`..`block` + B - 1, activations `row`..`row` + M - 1.
using RowProduct = void (*)(const Operands&, std::int64_t block, std::int64_t row);

#ifdef BEHOLDER_VNNI

template <int Bits, int M, int B>
BEHOLDER_VNNI void product(const Operands& p, std::int64_t block, std::int64_t row) {
  constexpr int kBytes = group_bytes(Bits);
  const std::int64_t groups = p.x->groups;
  const std::uint8_t* codes[B];
  const c10::Half* scales[B];
  for (int b = 0; b < B; ++b) {
    codes[b] = p.w->codes.const_data_ptr<std::uint8_t>() + (block + b) * groups * kBytes;
    scales[b] = p.w->scales.const_data_ptr<c10::Half>() + (block + b) * groups * kRows;
  }
  const std::int8_t* x = p.x->codes.data() + row * groups * kGroup;
  __m512 sums[B][M];
  for (auto& sum : sums)
    for (__m512& s : sum) s = _mm512_setzero_ps();
  for (std::int64_t g = 0; g < groups; ++g) {
    __m512i whole[B][M];
    for (int m = 0; m < M; ++m) {
      const __m512i start = _mm512_set1_epi32(-zero_code(Bits) * p.x->sums[static_cast<std::size_t>((row + m) * groups + g)]);
      for (int b = 0; b < B; ++b) whole[b][m] = start;
    }
    const auto add = [&](int column, const __m512i(&weights)[B]) BEHOLDER_VNNI __attribute__((always_inline)) {
      for (int m = 0; m < M; ++m) {
        std::int32_t four;
        __builtin_memcpy(&four, x + (m * groups + g) * kGroup + column, sizeof four);
        const __m512i values = _mm512_set1_epi32(four);
        for (int b = 0; b < B; ++b) whole[b][m] = _mm512_dpbusd_epi32(whole[b][m], weights[b], values);
      }
    };
    for (int byte = 0; byte < kBytes; byte += 64) {
      __m512i weights[B];
      for (int b = 0; b < B; ++b) weights[b] = _mm512_loadu_si512(codes[b] + g * kBytes + byte);
      if constexpr (Bits == 8) {
        add(byte / 16, weights);
      } else {
        const __m512i half = _mm512_set1_epi8(15);
        __m512i low[B], high[B];
        for (int b = 0; b < B; ++b) {
          low[b] = _mm512_and_si512(weights[b], half);
          high[b] = _mm512_and_si512(_mm512_srli_epi16(weights[b], 4), half);
        }
        add(byte / 8, low);
        add(byte / 8 + 4, high);
      }
    }
    for (int b = 0; b < B; ++b) {
      const __m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales[b] + g * kRows)));
      for (int m = 0; m < M; ++m) {
        const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(p.x->scales[static_cast<std::size_t>((row + m) * groups + g)]));
        sums[b][m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[b][m]), both, sums[b][m]);
      }
    }
  }
  for (int b = 0; b < B; ++b)
    for (int m = 0; m < M; ++m) _mm512_storeu_ps(p.y + (row + m) * p.w->n + (block + b) * kRows, sums[b][m]);
}

const bool kHasVnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");

template <int Bits, int M>
void unit(const Operands& p, std::int64_t begin, std::int64_t end, std::int64_t row) {
  constexpr int kBlocks = std::max(1, std::min<int>(kUnit, kSums / M));
  for (; begin + kBlocks <= end; begin += kBlocks) product<Bits, M, kBlocks>(p, begin, row);
  for (; begin < end; ++begin) product<Bits, M, 1>(p, begin, row);
}

using Unit = void (*)(const Operands&, std::int64_t begin, std::int64_t end, std::int64_t row);

template <int Bits, int... M>
Unit unit_of(std::int64_t rows, std::integer_sequence<int, M...>) {
  static constexpr Unit kUnits[] = {unit<Bits, M + 1>...};
  return kUnits[rows - 1];
}

#endif

// The same sums on any machine.
void plain_product(const Operands& p, std::int64_t begin, std::int64_t end) {
  const std::int64_t groups = p.x->groups, bytes = group_bytes(p.w->bits);
  const auto* codes = p.w->codes.const_data_ptr<std::uint8_t>();
  const auto* scales = p.w->scales.const_data_ptr<c10::Half>();
  for (std::int64_t row = 0; row < p.x->rows; ++row)
    for (std::int64_t n = begin * kRows; n < end * kRows; ++n) {
      float sum = 0;
      for (std::int64_t g = 0; g < groups; ++g) {
        const std::int64_t at = n / kRows * groups + g;
        const std::int8_t* x = p.x->codes.data() + (row * groups + g) * kGroup;
        std::int32_t whole = -zero_code(p.w->bits) * p.x->sums[static_cast<std::size_t>(row * groups + g)];
        for (int i = 0; i < kGroup; ++i) whole += code_at(codes + at * bytes, p.w->bits, static_cast<int>(n % kRows), i) * x[i];
        sum += static_cast<float>(whole) *
               (static_cast<float>(scales[at * kRows + n % kRows]) * p.x->scales[static_cast<std::size_t>(row * groups + g)]);
      }
      p.y[row * p.w->n + n] = sum;
    }
}

void blocks(const Operands& p, std::int64_t begin, std::int64_t end, bool plain) {
#ifdef BEHOLDER_VNNI
  if (kHasVnni && !plain) {
    for (std::int64_t row = 0; row < p.x->rows; row += kMostRows) {
      const std::int64_t rows = std::min<std::int64_t>(kMostRows, p.x->rows - row);
      constexpr auto kAll = std::make_integer_sequence<int, kMostRows>{};
      (p.w->bits == 8 ? unit_of<8>(rows, kAll) : unit_of<4>(rows, kAll))(p, begin, end, row);
    }
    return;
  }
#endif
  plain_product(p, begin, end);
}

}  // namespace

std::vector<at::Tensor> quantised_linear(const at::Tensor& x_in, std::span<const QuantisedFactor> factors, bool plain) {
  const std::int64_t k = x_in.size(-1);
  const Activations x = round_activations(x_in.reshape({-1, k}));
  std::vector<at::Tensor> out;
  std::vector<Operands> operands;
  std::vector<std::int64_t> ends;  // units of blocks, counted through all factors
  for (const QuantisedFactor& factor : factors) {
    out.push_back(at::empty({x.rows, factor.w->n}, at::kFloat));
    operands.push_back({factor.w, &x, out.back().data_ptr<float>()});
    ends.push_back((ends.empty() ? 0 : ends.back()) + (factor.w->n / kRows + kUnit - 1) / kUnit);
  }
  at::parallel_for(
      0, ends.back(), std::max<std::int64_t>(1, kWeightsPerTask / k / kRows / kUnit), [&](std::int64_t first, std::int64_t last) {
        for (std::size_t f = 0; f < operands.size(); ++f) {
          const std::int64_t begin = f == 0 ? 0 : ends[f - 1];
          if (first >= ends[f] || last <= begin) continue;
          const Operands& p = operands[f];
          const std::int64_t from = std::max<std::int64_t>(0, first - begin) * kUnit, to = std::min(p.w->n / kRows, (last - begin) * kUnit);
          for (std::int64_t block = from; block < to; block += kUnit) blocks(p, block, std::min(to, block + kUnit), plain);
        }
      });
  std::vector<std::int64_t> shape = x_in.sizes().vec();
  for (std::size_t f = 0; f < factors.size(); ++f) {
    shape.back() = factors[f].w->n;
    if (factors[f].bias.defined()) out[f] += factors[f].bias;
    out[f] = out[f].to(x_in.scalar_type()).view(shape);
  }
  return out;
}

}  // namespace beholder::vlm
