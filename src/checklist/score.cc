#include "checklist/score.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"

namespace beholder::checklist {

std::vector<bool> counting(const Checklist& list, const AnswerSheet& sheet) {
  std::vector<bool> counts = sheet.counts;
  for (const Mask& mask : list.masks) {
    const auto presence = static_cast<std::size_t>(mask.question);
    if (sheet.counts[presence] && sheet.p_yes[presence] > 0.5) continue;
    for (const int q : mask.dependants) counts[static_cast<std::size_t>(q)] = false;
  }
  std::vector<bool> out;
  for (const Feature& f : features_of(list)) out.push_back(f.question < 0 || counts[static_cast<std::size_t>(f.question)]);
  return out;
}

std::vector<double> values_of(const Checklist& list, const AnswerSheet& sheet, Coding coding) {
  const std::vector<bool> counts = counting(list, sheet);
  std::vector<double> values;
  for (const Feature& f : features_of(list)) {
    const double p = f.question < 0 ? 0 : sheet.p_yes[static_cast<std::size_t>(f.question)];
    const double answer = coding == Coding::kSoft ? 2 * p - 1 : p > 0.5 ? 1 : -1;
    values.push_back(f.question < 0 ? sheet.alignment : counts[values.size()] ? answer : 0);
  }
  return values;
}

double numpy_sum(std::span<const double> values) {
  double sum = 0;
  std::size_t i = 0;
  if (values.size() >= 8 && values.size() <= 128) {
    std::array<double, 8> r{};
    for (; i + 8 <= values.size(); i += 8)
      for (std::size_t k = 0; k < 8; ++k) r[k] += values[i + k];
    sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
  for (; i < values.size(); ++i) sum += values[i];
  return sum;
}

double score(const Weights& weights, std::span<const double> values) {
  require_internal(values.size() == weights.coef.size(), "a weight per value");
  std::vector<double> products;
  for (std::size_t i = 0; i < values.size(); ++i) products.push_back(values[i] * weights.coef[i]);
  const double sum = numpy_sum(products);
  return weights.mean ? sum / static_cast<double>(values.size()) : sum + weights.intercept;
}

double difference(const Weights& weights, std::span<const double> first, std::span<const double> second) {
  require_internal(first.size() == weights.coef.size() && second.size() == first.size(), "a weight per value");
  std::vector<double> products;
  for (std::size_t i = 0; i < first.size(); ++i) products.push_back((first[i] - second[i]) * weights.coef[i]);
  return numpy_sum(products);
}

}  // namespace beholder::checklist
