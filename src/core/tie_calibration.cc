#include "core/tie_calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace beholder {
namespace {

// Positions by ascending |margin|, equal ones in the order of the input.
std::vector<std::size_t> by_magnitude(const std::vector<TiePair>& pairs) {
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(pairs[a].margin) < std::abs(pairs[b].margin); });
  return order;
}

bool right_without_tie(const TiePair& pair) {
  return pair.label * pair.margin > 0;
}

// `stops(k)`: whether the first k of the order may be the ties.
template <class Stops>
TieCalibration sweep(const std::vector<TiePair>& pairs, const Stops& stops) {
  TieCalibration best;
  best.is_tie.assign(pairs.size(), false);
  if (pairs.empty()) return best;
  const std::vector<std::size_t> order = by_magnitude(pairs);
  std::int64_t right = 0, most = -1;
  for (const TiePair& pair : pairs) right += right_without_tie(pair);
  std::size_t ties = 0;
  for (std::size_t k = 0; k <= order.size(); ++k) {
    if (k > 0) right += (pairs[order[k - 1]].label == 0) - right_without_tie(pairs[order[k - 1]]);
    if (!stops(order, k) || right <= most) continue;
    most = right;
    ties = k;
  }
  for (std::size_t k = 0; k < ties; ++k) best.is_tie[order[k]] = true;
  best.accuracy = static_cast<double>(most) / static_cast<double>(pairs.size());
  if (ties > 0) best.epsilon = std::abs(pairs[order[ties - 1]].margin);
  return best;
}

}  // namespace

TieCalibration calibrate_ties(const std::vector<TiePair>& pairs) {
  return sweep(pairs, [&](const std::vector<std::size_t>& order, std::size_t k) {
    return k == 0 || k == order.size() || std::abs(pairs[order[k - 1]].margin) < std::abs(pairs[order[k]].margin);
  });
}

TieCalibration calibrate_ties_videoalign(const std::vector<TiePair>& pairs) {
  return sweep(pairs, [](const std::vector<std::size_t>&, std::size_t k) { return k > 0; });
}

bool tied_below(double margin, double threshold) {
  return std::abs(margin) < threshold;
}

double three_way_credit(int label, double margin, bool tie) {
  const int said = tie || margin == 0 ? 0 : margin > 0 ? 1 : -1;
  return said == label ? 1 : said == 0 || label == 0 ? 0.5 : 0;
}

double best_three_way_threshold(const std::vector<TiePair>& pairs) {
  const std::vector<std::size_t> order = by_magnitude(pairs);
  double credit = 0;
  for (const TiePair& pair : pairs) credit += three_way_credit(pair.label, pair.margin, false);
  double best = credit, threshold = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const TiePair& pair = pairs[order[k]];
    credit += three_way_credit(pair.label, pair.margin, true) - three_way_credit(pair.label, pair.margin, false);
    const double here = std::abs(pair.margin), next = k + 1 < order.size() ? std::abs(pairs[order[k + 1]].margin) : 2 * here + 1;
    if (here == next || credit <= best) continue;
    best = credit;
    threshold = here + (next - here) / 2;
  }
  return threshold;
}

}  // namespace beholder
