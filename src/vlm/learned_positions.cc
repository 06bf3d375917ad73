#include "vlm/learned_positions.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace beholder::vlm {
namespace {

// Where each of `count` evenly spaced points lies between two of `side` entries: the lower one, the upper one, and the upper one's share.
struct Line {
  std::vector<std::int64_t> low, high;
  std::vector<float> share;
};

Line line_over(std::int64_t side, std::int64_t count) {
  const at::Tensor points = at::linspace(0, static_cast<double>(side - 1), count, at::kFloat);
  Line line;
  for (std::int64_t i = 0; i < count; ++i) {
    const float point = points.data_ptr<float>()[i];
    const auto low = static_cast<std::int64_t>(point);
    line.low.push_back(low);
    line.high.push_back(std::min(low + 1, side - 1));
    line.share.push_back(point - static_cast<float>(low));
  }
  return line;
}

}  // namespace

at::Tensor interpolate_positions(const at::Tensor& table, std::int64_t h, std::int64_t w,
                                 const std::vector<std::pair<std::int64_t, std::int64_t>>& places) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(table.size(0)))));
  const Line rows = line_over(side, h), columns = line_over(side, w);
  at::Tensor sum;
  for (const bool lower : {true, false})
    for (const bool left : {true, false}) {
      std::vector<std::int64_t> entries;
      std::vector<float> shares;
      for (const auto& [row, column] : places) {
        const auto y = static_cast<std::size_t>(row), x = static_cast<std::size_t>(column);
        entries.push_back((lower ? rows.low[y] : rows.high[y]) * side + (left ? columns.low[x] : columns.high[x]));
        shares.push_back((lower ? 1 - rows.share[y] : rows.share[y]) * (left ? 1 - columns.share[x] : columns.share[x]));
      }
      const at::Tensor share = at::tensor(shares).to(table.device(), table.scalar_type()).unsqueeze(1);
      const at::Tensor part = at::embedding(table, at::tensor(entries, at::kLong).to(table.device())) * share;
      sum = sum.defined() ? sum + part : part;
    }
  return sum;
}

}  // namespace beholder::vlm
