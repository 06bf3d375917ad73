// Weights to codes and back.
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <cstring>

#include "core/error.h"
#include "vlm/clones.h"
#include "vlm/quantised_layout.h"

namespace beholder::vlm {
namespace {

struct GroupCodes {
  c10::Half scale;
  std::uint8_t codes[kGroup];
};

// Only builtins in these loops: what the standard library offers is compiled with other options and would stay a call per weight.
BEHOLDER_INLINE float rounded(float x, float low, float high) {
  const float q = __builtin_nearbyintf(x);
  return q < low ? low : q > high ? high : q;
}
BEHOLDER_INLINE float inverse_of(float step) {
  return step == 0 ? 0.0f : 1.0f / step;
}

// Squared error of the codes for a scale.
BEHOLDER_INLINE float error_of(const float* w, float step, float low, float high) {
  const float inverse = inverse_of(step);
  float error = 0;
  for (int i = 0; i < kGroup; ++i) {
    const float off = w[i] - rounded(w[i] * inverse, low, high) * step;
    error += off * off;
  }
  return error;
}

BEHOLDER_INLINE void encode(const float* w, c10::Half scale, float low, float high, GroupCodes& out) {
  const float inverse = inverse_of(static_cast<float>(scale));
  out.scale = scale;
  for (int i = 0; i < kGroup; ++i) out.codes[i] = static_cast<std::uint8_t>(static_cast<int>(rounded(w[i] * inverse, low, high) - low));
}

// The weight that is furthest from 0, with its sign.
BEHOLDER_INLINE float furthest(const float* w) {
  float most = w[0], least = w[0];
  for (int i = 1; i < kGroup; ++i) {
    most = w[i] > most ? w[i] : most;
    least = w[i] < least ? w[i] : least;
  }
  return most >= -least ? most : least;
}

BEHOLDER_FAST_CLONES void encode_8(const float* w, GroupCodes& out) {
  encode(w, __builtin_fabsf(furthest(w)) / 127, -128, 127, out);
}

// Four bits reach from -8 to 7: the furthest weight takes the -8, and a smaller scale may pay although it cuts that one.
BEHOLDER_FAST_CLONES void encode_4(const float* w, GroupCodes& out) {
  constexpr float kTried[] = {0.95f, 0.9f, 0.85f, 0.8f, 0.75f};
  const float widest = furthest(w) / -8;
  c10::Half best = widest;
  float least = error_of(w, static_cast<float>(best), -8, 7);
  for (const float part : kTried) {
    const c10::Half scale = widest * part;
    const float error = error_of(w, static_cast<float>(scale), -8, 7);
    best = error < least ? scale : best;
    least = error < least ? error : least;
  }
  encode(w, best, -8, 7, out);
}

// The codes of row r into its block's group: code_place, four columns at a time.
void place(const std::uint8_t* codes, int bits, int r, std::uint8_t* group) {
  for (int s = 0; s < kGroup * bits / 32; ++s) {
    std::uint32_t four = 0, upper = 0;
    std::memcpy(&four, codes + s * (bits == 8 ? 4 : 8), 4);
    if (bits == 4) std::memcpy(&upper, codes + s * 8 + 4, 4);
    four |= upper << 4;
    std::memcpy(group + (s * kRows + r) * 4, &four, 4);
  }
}

}  // namespace

bool can_quantise(const at::Tensor& w) {
  return w.is_cpu() && w.dim() == 2 && w.size(0) % kRows == 0 && w.size(1) % kGroup == 0;
}

Quantised quantise(const at::Tensor& w, int bits) {
  require_internal(can_quantise(w) && (bits == 8 || bits == 4), "quantise wants a matrix of whole blocks, and 8 or 4 bits");
  const std::int64_t n = w.size(0), k = w.size(1), groups = k / kGroup, bytes = group_bytes(bits);
  Quantised out{.bits = bits,
                .n = n,
                .k = k,
                .codes = at::empty({n / kRows, groups, bytes}, at::kByte),
                .scales = at::empty({n / kRows, groups, kRows}, at::kHalf)};
  auto* codes = out.codes.data_ptr<std::uint8_t>();
  auto* scales = out.scales.data_ptr<c10::Half>();
  at::parallel_for(0, n / kRows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const at::Tensor rows = w.narrow(0, block * kRows, kRows).to(at::kFloat).contiguous();
      for (std::int64_t at = 0; at < kRows * groups; ++at) {
        const std::int64_t r = at / groups, group = block * groups + at % groups;
        GroupCodes encoded;
        (bits == 8 ? encode_8 : encode_4)(rows.data_ptr<float>() + r * k + at % groups * kGroup, encoded);
        scales[group * kRows + r] = encoded.scale;
        place(encoded.codes, bits, static_cast<int>(r), codes + group * bytes);
      }
    }
  });
  return out;
}

at::Tensor dequantise(const Quantised& w, at::ScalarType dtype) {
  const std::int64_t groups = w.k / kGroup, bytes = group_bytes(w.bits);
  const int zero = zero_code(w.bits);
  at::Tensor out = at::empty({w.n, w.k}, dtype);
  const auto* codes = w.codes.data_ptr<std::uint8_t>();
  const auto* scales = w.scales.data_ptr<c10::Half>();
  at::parallel_for(0, w.n / kRows, 1, [&](std::int64_t begin, std::int64_t end) {
    at::Tensor rows = at::empty({kRows, w.k}, at::kFloat);
    auto* values = rows.data_ptr<float>();
    for (std::int64_t block = begin; block < end; ++block) {
      for (std::int64_t group = 0; group < groups; ++group)
        for (int r = 0; r < kRows; ++r) {
          const std::int64_t at = block * groups + group;
          const auto scale = static_cast<float>(scales[at * kRows + r]);
          for (int i = 0; i < kGroup; ++i)
            values[r * w.k + group * kGroup + i] = scale * static_cast<float>(code_at(codes + at * bytes, w.bits, r, i) - zero);
        }
      out.narrow(0, block * kRows, kRows).copy_(rows);
    }
  });
  return out;
}

}  // namespace beholder::vlm
