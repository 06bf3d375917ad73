// Weights to codes and back.
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "vlm/clones.h"
#include "vlm/quantised_layout.h"

namespace beholder::vlm {
namespace {

struct GroupCodes {
  c10::Half scale;
  std::uint8_t codes[kGroup];
};

// Codes for a scale; returns the squared error.
BEHOLDER_INLINE float encode(const float* w, c10::Half scale, int low, int high, std::uint8_t* codes) {
  const auto step = static_cast<float>(scale);
  const float inverse = step == 0 ? 0.0f : 1.0f / step;
  float error = 0;
  for (int i = 0; i < kGroup; ++i) {
    const float q = std::clamp(std::nearbyint(w[i] * inverse), static_cast<float>(low), static_cast<float>(high));
    error += (w[i] - q * step) * (w[i] - q * step);
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(q) - low);
  }
  return error;
}

BEHOLDER_INLINE float furthest(const float* w) {
  float out = 0;
  for (int i = 0; i < kGroup; ++i) out = std::abs(w[i]) > std::abs(out) ? w[i] : out;
  return out;
}

BEHOLDER_FAST_CLONES void encode_8(const float* w, GroupCodes& out) {
  out.scale = std::abs(furthest(w)) / 127;
  encode(w, out.scale, -128, 127, out.codes);
}

// Four bits reach from -8 to 7: the furthest weight takes the -8, and a smaller scale may pay although it cuts that one.
BEHOLDER_FAST_CLONES void encode_4(const float* w, GroupCodes& out) {
  constexpr float kTried[] = {1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 0.75f};
  const float widest = furthest(w) / -8;
  float least = INFINITY;
  for (const float part : kTried) {
    GroupCodes tried;
    tried.scale = widest * part;
    const float error = encode(w, tried.scale, -8, 7, tried.codes);
    if (error >= least) continue;
    least = error;
    out = tried;
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
                .codes = at::zeros({n / kRows, groups, bytes}, at::kByte),
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
        for (int i = 0; i < kGroup; ++i) {
          const CodePlace place = code_place(bits, static_cast<int>(r), i);
          codes[group * bytes + place.byte] |= static_cast<std::uint8_t>(encoded.codes[i] << place.shift);
        }
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
