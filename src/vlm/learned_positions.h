// Learned positions of a vision tower (Qwen3-VL): a square table laid over the picture, whatever its grid, and read bilinearly.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace beholder::vlm {

// table [side^2, E], `places` (row, column) of a frame's patches in a grid of h x w -> [places, E]. The corner patches stand on the corner
// entries. Differentiable in the table.
at::Tensor interpolate_positions(const at::Tensor& table, std::int64_t h, std::int64_t w,
                                 const std::vector<std::pair<std::int64_t, std::int64_t>>& places);

}  // namespace beholder::vlm
