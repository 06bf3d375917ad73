#include "eval/vote_curve.h"

#include <algorithm>
#include <cmath>

namespace beholder::eval {
namespace {

using Votes = std::vector<std::optional<double>>;

// Mean of the thoughts first..first+count that could be read.
std::optional<double> mean_of(const Votes& votes, std::size_t first, std::size_t count) {
  double sum = 0, n = 0;
  for (std::size_t i = first; i < first + count; ++i)
    if (votes[i]) sum += *votes[i], n += 1;
  if (n == 0) return std::nullopt;
  return sum / n;
}

// Both orders, or the one that could be read.
std::optional<double> mean_of(std::optional<double> a, std::optional<double> b) {
  if (a && b) return (*a + *b) / 2;
  return a ? a : b;
}

// Every probability that a judge with so many votes and orders would have given.
std::vector<std::optional<double>> answers(const PairVotes& pair, int orders, std::size_t votes) {
  std::vector<std::optional<double>> out;
  const std::size_t most = std::max(pair.p[0].size(), pair.p[1].size());
  for (std::size_t first = 0; first + votes <= most; first += votes) {
    std::array<std::optional<double>, 2> each;
    for (std::size_t o = 0; o < 2; ++o) {
      if (pair.p[o].size() < first + votes) continue;
      each[o] = mean_of(pair.p[o], first, votes);
      if (orders == 1) out.push_back(each[o]);
    }
    if (orders == 2) out.push_back(mean_of(each[0], each[1]));
  }
  return out;
}

VoteCurvePoint point(const std::vector<PairVotes>& pairs, int orders, std::size_t votes, const AskingCost& cost) {
  std::size_t prompts = 0;
  for (const PairVotes& pair : pairs) prompts = std::max(prompts, pair.prompt + 1);
  std::vector<std::vector<Ratio>> rows(prompts, std::vector<Ratio>(2));
  for (const PairVotes& pair : pairs) {
    const VotePart part = vote_part(pair, orders, votes);
    std::vector<Ratio>& row = rows[pair.prompt];
    row[0].sum += part.accuracy.sum, row[0].n += part.accuracy.n;
    row[1].sum += part.brier.sum, row[1].n += part.brier.n;
  }
  const std::vector<Ratio> total = sum_rows(rows);
  const auto intervals = bootstrap(rows, [](const std::vector<Ratio>& sums) { return std::vector{sums[0].value(), sums[1].value()}; });
  return {.orders = orders,
          .votes = static_cast<int>(votes),
          .tokens = orders * (cost.prompt_tokens + static_cast<double>(votes) * cost.completion_tokens),
          .accuracy = total[0].value(),
          .brier = total[1].value(),
          .accuracy_interval = intervals[0],
          .brier_interval = intervals[1]};
}

Json metric(double value, const std::optional<Interval>& interval) {
  Json out = {{"value", nullptr}, {"interval", nullptr}};
  if (std::isfinite(value)) out["value"] = value;
  if (interval) out["interval"] = {interval->low, interval->high};
  return out;
}

}  // namespace

VotePart vote_part(const PairVotes& pair, int orders, std::size_t votes) {
  const auto given = answers(pair, orders, votes);
  if (given.empty()) return {};
  double right = 0, squares = 0;
  for (const std::optional<double>& p : given) {
    right += p && (*p - 0.5) * (pair.q - 0.5) > 0;
    squares += std::pow(p.value_or(0.5) - pair.q, 2);
  }
  const auto n = static_cast<double>(given.size());
  VotePart part{.accuracy = {}, .brier = {squares / n, 1}};
  if (pair.q != 0.5) part.accuracy = {right / n, 1};
  return part;
}

std::vector<VoteCurvePoint> vote_curve(const std::vector<PairVotes>& pairs, const AskingCost& cost) {
  std::size_t most = 0;
  bool both = false;
  for (const PairVotes& pair : pairs) {
    most = std::max({most, pair.p[0].size(), pair.p[1].size()});
    both = both || (!pair.p[0].empty() && !pair.p[1].empty());
  }
  std::vector<VoteCurvePoint> out;
  for (int orders = 1; orders <= (both ? 2 : 1); ++orders)
    for (std::size_t votes = 1; votes <= most; votes = votes < most ? std::min(votes * 2, most) : most + 1)
      out.push_back(point(pairs, orders, votes, cost));
  return out;
}

Json to_json(const std::vector<VoteCurvePoint>& curve) {
  Json out = Json::array();
  for (const VoteCurvePoint& p : curve)
    out.push_back({{"orders", p.orders},
                   {"votes", p.votes},
                   {"tokens", p.tokens},
                   {"accuracy", metric(p.accuracy, p.accuracy_interval)},
                   {"brier", metric(p.brier, p.brier_interval)}});
  return out;
}

}  // namespace beholder::eval
