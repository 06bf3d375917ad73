#include "checklist/dominance.h"

#include <algorithm>

#include "core/error.h"

namespace beholder::checklist {
namespace {

// Sums of equal rewards in another order may differ by rounding; that is no loss in a dimension.
constexpr double kRounding = 1e-12;

std::size_t place_of(const Checklist& list, const Feature& feature, std::size_t index, Level level) {
  switch (level) {
    case Level::kDimension:
      return static_cast<std::size_t>(list.subs[static_cast<std::size_t>(feature.sub)].dimension);
    case Level::kSubDimension:
      return static_cast<std::size_t>(feature.sub);
    case Level::kQuestion:
      return index;
    case Level::kTotal:
      break;
  }
  return 0;
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDimension:
      return "dimension";
    case Level::kSubDimension:
      return "sub-dimension";
    case Level::kQuestion:
      return "question";
    case Level::kTotal:
      break;
  }
  return "total";
}

std::vector<double> rewards_at(const Scoring& scoring, const AnswerSheet& sheet, Level level) {
  // 1[yes] is (value + 1) / 2 where an answer counts and 0 where it does not.
  const std::vector<double> value = values_of(scoring.list, sheet, scoring.coding);
  const std::vector<bool> counts = counting(scoring.list, sheet);
  const std::vector<Feature> features = features_of(scoring.list);
  const std::size_t size = level == Level::kDimension      ? scoring.list.dimensions.size()
                           : level == Level::kSubDimension ? scoring.list.subs.size()
                           : level == Level::kQuestion     ? features.size()
                                                           : 1;
  std::vector<double> out(size, 0);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double yes = features[i].question < 0 ? value[i] / 2 : counts[i] ? (value[i] + 1) / 2 : 0;
    out[place_of(scoring.list, features[i], i, level)] += scoring.weights.coef[i] * yes;
  }
  return out;
}

std::vector<DominantPair> dominant_pairs(std::span<const std::vector<double>> rewards, std::span<const double> totals, double threshold) {
  require_internal(rewards.size() == totals.size(), "a total per candidate");
  std::vector<DominantPair> out;
  for (std::size_t i = 0; i < rewards.size(); ++i)
    for (std::size_t j = 0; j < rewards.size(); ++j) {
      const double margin = totals[i] - totals[j];
      if (i == j || !(margin > threshold + kRounding)) continue;
      const bool dominates = std::equal(rewards[i].begin(), rewards[i].end(), rewards[j].begin(), rewards[j].end(),
                                        [](double a, double b) { return a >= b - kRounding; });
      if (dominates) out.push_back({i, j, margin});
    }
  return out;
}

}  // namespace beholder::checklist
