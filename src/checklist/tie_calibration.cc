#include "checklist/tie_calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace beholder::checklist {

TieAccuracy tie_accuracy(std::span<const double> difference, std::span<const int> label) {
  TieAccuracy out;
  out.pairs = std::ssize(label);
  const auto right = [&](std::size_t i) { return label[i] != 0 && difference[i] * label[i] > 0; };
  std::int64_t correct = 0;  // without predicted ties
  for (std::size_t i = 0; i < label.size(); ++i) {
    out.ties += label[i] == 0;
    correct += right(i);
  }
  const double none = std::numeric_limits<double>::quiet_NaN();
  out.diff = out.pairs > out.ties ? static_cast<double>(correct) / static_cast<double>(out.pairs - out.ties) : none;
  std::vector<std::size_t> order(label.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(difference[a]) < std::abs(difference[b]); });
  std::int64_t best = -1;
  const auto offer = [&](double threshold) {
    if (correct > best) best = correct, out.threshold = threshold;
  };
  if (order.empty() || difference[order[0]] != 0) offer(0);
  for (std::size_t i = 0; i < order.size(); ++i) {  // these become predicted ties, equal ones together
    correct += (label[order[i]] == 0) - right(order[i]);
    const double size = std::abs(difference[order[i]]);
    if (i + 1 == order.size() || std::abs(difference[order[i + 1]]) > size) offer(size);
  }
  out.tau = out.pairs > 0 ? static_cast<double>(best) / static_cast<double>(out.pairs) : none;
  return out;
}

}  // namespace beholder::checklist
