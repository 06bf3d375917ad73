#include "train/rollout_metrics.h"

#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "core/progress.h"

namespace beholder::train {
namespace {

// Means per token: then a typical token is 3 to 6 times as likely, or as unlikely, as in the starting model. A run that learns stays far
// below.
constexpr double kKlLimit = 1;

// Rollout and update compute the same log-probabilities in another order. In float32 that makes less than 1e-4 (measured: 2e-5), so ten
// times as much is a mistake. bfloat16 keeps 8 bits, steps of 0.06 to 0.12 in a logit of 16: healthy runs were measured up to 0.13 at the
// unlikeliest token. Both are divided by the temperature.
double mismatch_limit(const GrpoConfig& c) {
  return (c.bf16 ? 0.5 : 1e-3) / std::min(1.0, c.temperature);
}

}  // namespace

void Meters::add(const std::string& name, double value) {
  if (std::isnan(value)) return;
  Meter& m = meters_[name];
  m.sum += value;
  ++m.n;
}

double Meters::mean(const std::string& name) const {
  const auto found = meters_.find(name);
  return found == meters_.end() ? std::nan("") : found->second.sum / static_cast<double>(found->second.n);
}

Metrics Meters::means() const {
  Metrics out;
  for (const auto& [name, m] : meters_) out.emplace_back(name, m.sum / static_cast<double>(m.n));
  return out;
}

Json Meters::state() const {
  Json out = Json::object();
  for (const auto& [name, m] : meters_) out[name] = {m.sum, m.n};
  return out;
}

void Meters::restore(const Json& state) {
  meters_.clear();
  merge(state);
}

void Meters::merge(const Json& state) {
  for (const auto& [name, m] : state.items()) {
    meters_[name].sum += m.at(0).get<double>();
    meters_[name].n += m.at(1).get<std::int64_t>();
  }
}

void meter_rollout(const RolloutBatch& batch, const std::vector<std::string>& names, Meters& meters) {
  std::vector<std::vector<double>> by_reward(names.size());
  double shortest = 1e18, longest = 0, tokens = 0, terminated = 0, terminated_n = 0, shortest_terminated = 1e18, longest_terminated = 0,
         n = 0, first = 0, parsed = 0, against = 0, heard = 0;
  for (const SampleFacts& s : batch.facts) {
    const auto length = static_cast<double>(s.tokens);
    shortest = std::min(shortest, length);
    longest = std::max(longest, length);
    tokens += length;
    n += 1;
    if (s.finished) {
      terminated += length;
      terminated_n += 1;
      shortest_terminated = std::min(shortest_terminated, length);
      longest_terminated = std::max(longest_terminated, length);
    }
    if (s.parsed) parsed += 1, first += s.first;
    if (s.heard) heard += 1, against += s.contradicted;
    for (std::size_t k = 0; k < names.size(); ++k)
      if (!std::isnan(s.rewards[k])) by_reward[k].push_back(s.rewards[k]);
  }
  meters.add("reward", batch.advantages.reward_mean);
  meters.add("reward_std", batch.advantages.reward_std);
  meters.add("frac_reward_zero_std", batch.advantages.frac_reward_zero_std);
  for (std::size_t k = 0; k < names.size(); ++k) {
    double mean = 0, squares = 0;
    const auto count = static_cast<double>(by_reward[k].size());
    for (const double v : by_reward[k]) mean += v / count;
    for (const double v : by_reward[k]) squares += (v - mean) * (v - mean);
    if (count == 0) continue;
    meters.add("rewards/" + names[k] + "/mean", mean);
    meters.add("rewards/" + names[k] + "/std", count > 1 ? std::sqrt(squares / (count - 1)) : 0);
  }
  meters.add("completions/mean_length", tokens / n);
  meters.add("completions/min_length", shortest);
  meters.add("completions/max_length", longest);
  meters.add("completions/clipped_ratio", 1 - terminated_n / n);
  if (terminated_n > 0) {
    meters.add("completions/mean_terminated_length", terminated / terminated_n);
    meters.add("completions/min_terminated_length", shortest_terminated);
    meters.add("completions/max_terminated_length", longest_terminated);
  }
  if (parsed > 0) meters.add("first_medium_share", first / parsed);
  if (heard > 0) meters.add("contradiction", against / heard);
  if (batch.refilled > 0) meters.add("refilled_groups", static_cast<double>(batch.refilled));
}

void CauseWarnings::check(const Meters& meters, const GrpoConfig& c, std::int64_t step) {
  const auto warn = [&](bool condition, const char* name, const std::string& text) {
    if (condition && told_.insert(name).second) log_warning(format("step {}: {}", step, text));
  };
  const double flat = meters.mean("frac_reward_zero_std"), clipped = meters.mean("completions/clipped_ratio"), kl = meters.mean("kl"),
               mismatch = meters.mean("sampling/sampling_logp_difference/max");
  warn(meters.mean("rewards/format/mean") == 0, "format",
       "no completion can be read: every format reward is 0. Start from a judge that answers in <think>…</think><answer>…</answer> (train "
       "sft), or raise max_completion_length");
  warn(flat > 0.8, "flat",
       format("{:.0f}% of the groups have equal rewards: {}. Raise num_generations or temperature{}", 100 * flat,
              c.exact_decision() ? "only the decision learns from them, the thoughts do not" : "nothing is learned from them",
              c.dynamic_sampling ? "; dynamic_sampling did not find others" : ", or set dynamic_sampling"));
  warn(clipped > 0.3, "clipped",
       format("{:.0f}% of the completions hit max_completion_length {}: raise it, or add the length reward", 100 * clipped,
              c.max_completion_length));
  warn(mismatch > mismatch_limit(c), "mismatch",
       format("sampling and training disagree by up to {:.3g} in log-probability: they should be equal; please report this", mismatch));
  warn(kl > kKlLimit, "kl", format("the KL to the starting model is {:.1f} a token: lower learning_rate or raise beta", kl));
}

}  // namespace beholder::train
