// The product with quantised weights.
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "vlm/clones.h"
#include "vlm/quantised_layout.h"
#include "vlm/share_work.h"
#include "vlm/vector_math.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of undefined registers in gcc 12's own header
#define BEHOLDER_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,f16c")))
#endif

namespace beholder::vlm {
namespace {

constexpr int kSet = 8;                            // activations that pass a block of weights together
constexpr int kSums = 16;                          // vectors of sums a product works on: fewer activations take more blocks
constexpr int kAhead = 2048;                       // bytes of a block that are fetched ahead of use
constexpr std::int64_t kUnit = 4;                  // blocks that stay together
constexpr std::int64_t kWeightsPerTask = 1 << 19;  // weights per task

// Activations in groups: x = scale * code. They lie in sets of kSet rows (the last set may have fewer): what a product needs of a set's
// rows at once lies side by side.
struct Activations {
  std::int64_t rows, groups;
  std::vector<std::int32_t> codes;   // four int8 each; [set][group, 8, row of the set]
  std::vector<float> scales;         // [set][group, row of the set]
  std::vector<std::int32_t> starts;  // likewise: -8 times the sum of the group's codes

  std::int64_t width(std::int64_t row) const { return std::min<std::int64_t>(kSet, rows - row / kSet * kSet); }
  std::size_t at(std::int64_t row, std::int64_t group) const {
    return static_cast<std::size_t>(row / kSet * kSet * groups + group * width(row) + row % kSet);
  }
  std::size_t codes_at(std::int64_t row, std::int64_t group, int quad) const {
    return static_cast<std::size_t>(row / kSet * kSet * groups * kQuads + (group * kQuads + quad) * width(row) + row % kSet);
  }
  static constexpr int kQuads = kGroup / 4;
};

// A row of activations: codes of every group, its scale and the sum of its codes.
BEHOLDER_CLONES void round_row(const float* x, std::int64_t groups, std::int8_t* codes, float* scales, std::int32_t* sums) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: what is added and taken away again leaves a whole number, ties to even
  for (std::int64_t g = 0; g < groups; ++g, x += kGroup, codes += kGroup) {
    Vector a, b;
    load(a, x);
    load(b, x + kWidth);
    const Vector size_a = a < 0.0f ? -a : a, size_b = b < 0.0f ? -b : b, sizes = size_a > size_b ? size_a : size_b;
    float largest = 0;
    for (int lane = 0; lane < kWidth; ++lane) largest = sizes[lane] > largest ? sizes[lane] : largest;
    const float inverse = largest == 0 ? 0.0f : 127 / largest;
    const Whole low = __builtin_convertvector((a * inverse + kRounder) - kRounder, Whole),
                high = __builtin_convertvector((b * inverse + kRounder) - kRounder, Whole), both = low + high;
    std::int32_t sum = 0;
    for (int lane = 0; lane < kWidth; ++lane) {
      codes[lane] = static_cast<std::int8_t>(low[lane]);
      codes[kWidth + lane] = static_cast<std::int8_t>(high[lane]);
      sum += both[lane];
    }
    scales[g] = largest / 127;
    sums[g] = sum;
  }
}

Activations round_activations(const at::Tensor& x_MK) {
  static_assert(kGroup == 2 * kWidth);
  const at::Tensor x = x_MK.to(at::kFloat).contiguous();
  Activations out{.rows = x.size(0), .groups = x.size(1) / kGroup, .codes = {}, .scales = {}, .starts = {}};
  const auto count = static_cast<std::size_t>(out.rows * out.groups), groups = static_cast<std::size_t>(out.groups);
  out.codes.resize(count * Activations::kQuads), out.scales.resize(count), out.starts.resize(count);
  std::vector<std::int8_t> codes(groups * kGroup);
  std::vector<float> scales(groups);
  std::vector<std::int32_t> sums(groups);
  for (std::int64_t row = 0; row < out.rows; ++row) {
    round_row(x.const_data_ptr<float>() + row * x.size(1), out.groups, codes.data(), scales.data(), sums.data());
    for (std::int64_t g = 0; g < out.groups; ++g) {
      const auto from = static_cast<std::size_t>(g);
      out.scales[out.at(row, g)] = scales[from];
      out.starts[out.at(row, g)] = -8 * sums[from];
      for (int quad = 0; quad < Activations::kQuads; ++quad)
        std::memcpy(&out.codes[out.codes_at(row, g, quad)], &codes[from * kGroup + 4 * static_cast<std::size_t>(quad)], 4);
    }
  }
  return out;
}

struct Operands {
  const Quantised* w;
  const Activations* x;
  float* y;  // [rows, n]
};

// Blocks `block`..`block` + B - 1, the M activations of the set that begins with `row`.
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
  const std::int32_t* x = p.x->codes.data() + p.x->codes_at(row, 0, 0);
  const std::int32_t* starts = p.x->starts.data() + p.x->at(row, 0);
  const float* x_scales = p.x->scales.data() + p.x->at(row, 0);
  __m512 sums[B][M];
  for (auto& sum : sums)
    for (__m512& s : sum) s = _mm512_setzero_ps();
  for (std::int64_t g = 0; g < groups; ++g) {
    __m512i whole[B][M];
    for (int m = 0; m < M; ++m) {
      const __m512i start = _mm512_slli_epi32(_mm512_set1_epi32(starts[g * M + m]), Bits == 8 ? 4 : 0);
      for (int b = 0; b < B; ++b) whole[b][m] = start;
    }
    const auto add = [&](int column, const __m512i(&weights)[B]) BEHOLDER_VNNI __attribute__((always_inline)) {
      for (int m = 0; m < M; ++m) {
        const __m512i values = _mm512_set1_epi32(x[(g * Activations::kQuads + column / 4) * M + m]);
        for (int b = 0; b < B; ++b) whole[b][m] = _mm512_dpbusd_epi32(whole[b][m], weights[b], values);
      }
    };
#pragma GCC unroll 8
    for (int byte = 0; byte < kBytes; byte += 64) {
      __m512i weights[B];
      for (int b = 0; b < B; ++b) {
        const std::uint8_t* line = codes[b] + g * kBytes + byte;
        weights[b] = _mm512_loadu_si512(line);
        _mm_prefetch(line + kAhead, _MM_HINT_T0);
      }
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
        const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(x_scales[g * M + m]));
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
  constexpr int kBlocks = M == 1 ? 1 : std::min<int>(kUnit, kSums / M);  // one activation reads a single stream, which memory gives soonest
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
        std::int32_t whole = p.x->starts[p.x->at(row, g)] * (zero_code(p.w->bits) / 8);
        for (int i = 0; i < kGroup; ++i) {
          std::int8_t x[4];
          std::memcpy(x, &p.x->codes[p.x->codes_at(row, g, i / 4)], 4);
          whole += code_at(codes + at * bytes, p.w->bits, static_cast<int>(n % kRows), i) * x[i % 4];
        }
        sum += static_cast<float>(whole) * (static_cast<float>(scales[at * kRows + n % kRows]) * p.x->scales[p.x->at(row, g)]);
      }
      p.y[row * p.w->n + n] = sum;
    }
}

void blocks(const Operands& p, std::int64_t begin, std::int64_t end, bool plain) {
#ifdef BEHOLDER_VNNI
  if (kHasVnni && !plain) {
    for (std::int64_t row = 0; row < p.x->rows; row += kSet) {
      const std::int64_t rows = p.x->width(row);
      constexpr auto kAll = std::make_integer_sequence<int, kSet>{};
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
  share_work(ends.back(), std::max<std::int64_t>(1, kWeightsPerTask / k / kRows / kUnit), [&](std::int64_t first, std::int64_t last) {
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
