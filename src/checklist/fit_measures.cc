#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "checklist/fit.h"
#include "core/correlation.h"
#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "core/tie_calibration.h"

namespace beholder::checklist {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double margin(const AnswerPair& pair, const std::vector<double>& weights) {
  return std::inner_product(pair.x.begin(), pair.x.end(), weights.begin(), 0.0);
}

// The numbers of pairs of a learning curve, the last one all there are. kUsage for a wish that is no number of pairs.
std::vector<std::size_t> curve_sizes(const std::vector<double>& wanted, std::size_t total) {
  std::vector<std::size_t> sizes;
  for (const double size : wanted) {
    if (!(size >= 1 && size <= 1e9 && size == std::floor(size)))
      throw Error(Code::kUsage, "--curve", format("{} is no number of pairs", size), "give whole numbers from 1, e.g. 200,500,1000");
    if (static_cast<std::size_t>(size) < total) sizes.push_back(static_cast<std::size_t>(size));
  }
  for (std::size_t decade = 10; wanted.empty() && decade < total; decade *= 10)
    for (const std::size_t step : {1, 2, 5})
      if (decade * step < total) sizes.push_back(decade * step);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  sizes.push_back(total);
  return sizes;
}

}  // namespace

std::vector<QuestionStats> question_stats(const PairSet& set) {
  const std::vector<std::size_t> used = untied(set);
  std::vector<double> label;
  for (const std::size_t i : used) label.push_back(set.pairs[i].label);
  std::vector<QuestionStats> out(set.features);
  for (std::size_t j = 0; j < set.features; ++j) {
    std::vector<double> x;
    std::int64_t right = 0;
    for (const std::size_t i : used) {
      x.push_back(set.pairs[i].x[j]);
      out[j].n += x.back() != 0;
      right += x.back() * set.pairs[i].label > 0;
    }
    out[j].accuracy = out[j].n > 0 ? static_cast<double>(right) / static_cast<double>(out[j].n) : kNone;
    out[j].spearman = spearman(x, label);
  }
  return out;
}

Json evaluate(const PairSet& set, const std::vector<std::size_t>& chosen, const std::vector<double>& weights, std::uint64_t seed) {
  std::vector<TiePair> pairs;
  Ratio untied;
  std::vector<std::vector<Ratio>> rows(set.prompts.size(), std::vector<Ratio>(1));
  double loss = 0;
  for (const std::size_t i : chosen) {
    const AnswerPair& pair = set.pairs[i];
    pairs.push_back({pair.label, margin(pair, weights)});
    if (pair.label == 0) continue;
    const double m = pair.label * pairs.back().margin;
    rows[pair.prompt][0].sum += m > 0;
    rows[pair.prompt][0].n += 1;
    untied.sum += m > 0;
    untied.n += 1;
    loss += m > 0 ? std::log1p(std::exp(-m)) : std::log1p(std::exp(m)) - m;
  }
  std::erase_if(rows, [](const std::vector<Ratio>& r) { return r[0].n == 0; });
  const TieCalibration ties = calibrate_ties(pairs);
  const auto interval = bootstrap(rows, [](const std::vector<Ratio>& s) { return std::vector<double>{s[0].value()}; }, seed);
  Json out{{"pairs", pairs.size()},
           {"ties", std::ssize(pairs) - std::llround(untied.n)},
           {"prompts", rows.size()},
           {"accuracy", untied.value()}};
  out["interval"] = !interval.empty() && interval[0] ? Json{interval[0]->low, interval[0]->high} : Json();
  out["tau"] = pairs.empty() ? kNone : ties.accuracy;
  out["threshold"] = std::max(ties.epsilon, 0.0);
  out["log_loss"] = untied.n > 0 ? Json(loss / untied.n) : Json();
  return out;
}

Json learning_curve(const PairSet& set, const std::vector<std::size_t>& train, const std::vector<std::size_t>& test,
                    const FitOptions& options, const std::function<void()>& tick) {
  constexpr int kDraws = 5;
  Json out = Json::array();
  const std::size_t total =
      static_cast<std::size_t>(std::count_if(train.begin(), train.end(), [&](std::size_t i) { return set.pairs[i].label != 0; }));
  const std::vector<std::size_t> sizes = curve_sizes(options.curve, total);
  std::vector<std::vector<std::size_t>> orders;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> prompts(set.prompts.size()), order;
    std::iota(prompts.begin(), prompts.end(), 0);
    Rng(static_cast<std::uint64_t>(options.seed), stable_hash("checklist curve"), static_cast<std::uint64_t>(draw)).shuffle(prompts);
    std::vector<std::size_t> place(prompts.size());
    for (std::size_t k = 0; k < prompts.size(); ++k) place[prompts[k]] = k;
    for (const std::size_t i : train)
      if (set.pairs[i].label != 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return place[set.pairs[a].prompt] < place[set.pairs[b].prompt]; });
    orders.push_back(std::move(order));
  }
  for (const std::size_t size : sizes) {
    double sum = 0, low = 1, high = 0;
    const int draws = size == total ? 1 : kDraws;
    for (int draw = 0; draw < draws; ++draw) {
      tick();
      std::vector<std::size_t> part = orders[static_cast<std::size_t>(draw)];
      part.resize(size);
      const double accuracy =
          evaluate(set, test, solve(problem_of(set, part, options.how()), options).weights, 1)["accuracy"].get<double>();
      sum += accuracy, low = std::min(low, accuracy), high = std::max(high, accuracy);
    }
    out.push_back({{"pairs", size}, {"accuracy", sum / draws}, {"low", low}, {"high", high}});
  }
  return out;
}

}  // namespace beholder::checklist
