#include "vlm/pick.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"

namespace beholder::vlm {
namespace {

constexpr std::int64_t kHeldWeights = 1 << 20;  // weights held at once: 8 MB
constexpr std::int64_t kGrain = 1 << 15;        // weights a thread is worth waking for
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

struct Candidate {
  std::int64_t id;
  double weight;  // exp(logit - max): unnormalised probability
};

// Keeps the tokens that top-k, then top-p, then min-p leave; `candidates` comes sorted by falling weight.
void filter(std::vector<Candidate>& candidates, const SamplingOptions& options) {
  if (options.top_k > 0 && static_cast<std::int64_t>(candidates.size()) > options.top_k)
    candidates.resize(static_cast<std::size_t>(options.top_k));
  if (options.top_p < 1) {
    double total = 0, sum = 0;
    for (const Candidate& c : candidates) total += c.weight;
    std::size_t keep = 0;
    while (keep < candidates.size() && sum < options.top_p * total) sum += candidates[keep++].weight;  // the one that crosses stays
    candidates.resize(std::max<std::size_t>(keep, 1));
  }
  if (options.min_p > 0) {
    const double floor = options.min_p * candidates.front().weight;
    while (candidates.size() > 1 && candidates.back().weight < floor) candidates.pop_back();
  }
}

// Inverse transform over candidates in their given order.
std::int64_t draw(const std::vector<Candidate>& candidates, double uniform) {
  double total = 0;
  for (const Candidate& c : candidates) total += c.weight;
  double left = uniform * total;
  for (const Candidate& c : candidates)
    if ((left -= c.weight) < 0) return c.id;
  return candidates.back().id;
}

double sum_of(std::span<const double> block) {
  double lanes[8] = {}, sum = 0;
  std::size_t i = 0;
  for (; i + 8 <= block.size(); i += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += block[i + lane];
  for (; i < block.size(); ++i) sum += block[i];
  for (const double lane : lanes) sum += lane;
  return sum;
}

// The same over a whole vocabulary, in order of id: first the block of tokens, then the token.
std::int64_t draw_any(std::span<const double> weights, double uniform) {
  constexpr std::size_t kBlock = 512;
  std::vector<double> sums;
  double total = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += kBlock)
    total += sums.emplace_back(sum_of(weights.subspan(begin, std::min(kBlock, weights.size() - begin))));
  double left = uniform * total;
  std::size_t block = 0;
  while (block + 1 < sums.size() && left >= sums[block]) left -= sums[block++];
  const std::size_t begin = block * kBlock, end = std::min(begin + kBlock, weights.size());
  for (std::size_t i = begin; i < end; ++i)
    if ((left -= weights[i]) < 0) return static_cast<std::int64_t>(i);
  for (std::size_t i = end; i-- > 0;)  // sums are rounded: `left` came out a little above the last one
    if (weights[i] > 0) return static_cast<std::int64_t>(i);
  return 0;
}

// One token by its weights (exp of logit less the greatest, over the temperature), of those that the options leave.
std::int64_t choose(std::span<const double> weights, const SamplingOptions& options, double uniform) {
  if (options.top_k <= 0 && options.top_p >= 1 && options.min_p <= 0) return draw_any(weights, uniform);
  std::vector<Candidate> candidates;
  candidates.reserve(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] > 0) candidates.push_back({static_cast<std::int64_t>(i), weights[i]});
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; });
  filter(candidates, options);
  return draw(candidates, uniform);
}

}  // namespace

std::vector<Pick> pick_tokens(const at::Tensor& logits_SV, std::span<const DrawKey> keys, const SamplingOptions& options) {
  const at::Tensor original = logits_SV.contiguous();
  const at::Tensor lse = original.logsumexp(-1);
  const at::Tensor scaled_lse = options.temperature > 0 && options.temperature != 1 ? (original / options.temperature).logsumexp(-1) : lse;
  at::Tensor allowed = original;
  if (!options.banned_ids.empty()) allowed = original.index_fill(1, at::tensor(options.banned_ids, at::kLong), kMinusInfinity);
  const auto [greatest, best] = allowed.max(-1, /*keepdim=*/true);
  if (!at::isfinite(greatest).all().item<bool>())  // NaN compares false with everything and would leave no candidate at all
    throw Error(Code::kCorrupt, "sampling", "the model's scores for the next token are not numbers",
                "compute in --dtype fp32 or bf16; if that does not help, the weights are damaged: fetch them again");
  const bool greedy = options.temperature <= 0;
  const double scale = greedy ? 1 : options.temperature;
  const std::int64_t vocabulary = original.size(1), slots = original.size(0), chunk = std::max<std::int64_t>(1, kHeldWeights / vocabulary);
  std::vector<Pick> picks(keys.size());
  at::Tensor weights;  // [count, V], of the slots from `begin`
  const auto pick_one = [&](std::int64_t slot, std::int64_t begin) {
    const auto s = static_cast<std::size_t>(slot);
    const float* row = original.const_data_ptr<float>() + slot * vocabulary;
    Pick& pick = picks[s];
    pick.id = greedy ? best.const_data_ptr<std::int64_t>()[s]
                     : choose({weights.const_data_ptr<double>() + (slot - begin) * vocabulary, static_cast<std::size_t>(vocabulary)},
                              options, Rng(options.seed, keys[s].item, keys[s].sample, keys[s].position).uniform());
    pick.logprob = static_cast<float>(row[pick.id] / scale) - scaled_lse.const_data_ptr<float>()[s];
    for (const std::int64_t id : options.watch_ids) pick.watched.push_back(row[id] - lse.const_data_ptr<float>()[s]);
  };
  for (std::int64_t begin = 0; begin < slots; begin += chunk) {
    const std::int64_t count = std::min(chunk, slots - begin);
    if (!greedy) weights = (allowed.narrow(0, begin, count) - greatest.narrow(0, begin, count)).to(at::kDouble).div_(scale).exp_();
    at::parallel_for(begin, begin + count, std::max<std::int64_t>(1, kGrain / vocabulary), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t slot = first; slot < last; ++slot) pick_one(slot, begin);
    });
  }
  return picks;
}

}  // namespace beholder::vlm
