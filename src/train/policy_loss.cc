#include "train/policy_loss.h"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace beholder::train {
namespace {

constexpr double kLogRatioLimit = 20;

// Mean of x over each sequence's tokens, given back to every token.
at::Tensor sequence_mean(const at::Tensor& x, const PolicyTokens& t) {
  const at::Tensor sums = at::zeros({t.sequences}, x.options()).index_add(0, t.sequence, x);
  const at::Tensor counts = at::zeros({t.sequences}, x.options()).index_add(0, t.sequence, at::ones_like(x.detach()));
  return (sums / counts.clamp_min(1)).index_select(0, t.sequence);
}

}  // namespace

std::vector<double> token_weights(const PolicyLossOptions& options, const BatchShape& shape, std::size_t first, std::size_t last) {
  const auto active = [&](std::size_t begin, std::size_t end) {
    const auto at = [&](std::size_t i) { return shape.lengths.begin() + static_cast<std::ptrdiff_t>(i); };
    return static_cast<double>(std::max<std::int64_t>(1, std::accumulate(at(begin), at(end), std::int64_t{0})));
  };
  const std::string& type = options.loss_type;
  const auto batch = static_cast<double>(shape.lengths.size());
  const bool per_completion = type == "grpo" || type == "sapo";
  double weight = 0;
  if (type == "dr_grpo")
    weight = 1 / (batch * static_cast<double>(shape.max_completion_length));
  else if (type == "bnpo")
    weight = 1 / (active(first, last) * static_cast<double>(shape.micro_batches));
  else if (!per_completion)
    weight = 1 / active(0, shape.lengths.size());  // dapo, cispo
  std::vector<double> weights;
  for (std::size_t i = first; i < last; ++i) {
    const auto length = static_cast<double>(shape.lengths[i]);
    weights.push_back(length == 0 ? 0 : per_completion ? 1 / (batch * length) : weight);
  }
  return weights;
}

at::Tensor k3(const at::Tensor& logp, const at::Tensor& reference) {
  const at::Tensor d = (reference - logp).clamp(-kLogRatioLimit, kLogRatioLimit);
  return d.exp() - d - 1;
}

PolicyLoss policy_loss(const PolicyTokens& t, const PolicyLossOptions& o) {
  at::Tensor log_ratio = t.logp - t.old_logp;
  if (o.importance_sampling_level == "sequence") log_ratio = sequence_mean(log_ratio, t);
  const at::Tensor ratio = log_ratio.clamp(-kLogRatioLimit, kLogRatioLimit).exp();
  const at::Tensor& advantage = t.advantage;
  at::Tensor loss;
  if (o.loss_type == "cispo") {
    loss = -ratio.detach().clamp_max(o.epsilon_high) * advantage * t.logp;
  } else if (o.loss_type == "sapo") {
    const at::Tensor tau =
        at::where(advantage > 0, at::full_like(advantage, o.sapo_temperature_pos), at::full_like(advantage, o.sapo_temperature_neg));
    loss = -4 / tau * at::sigmoid(tau * (ratio - 1)) * advantage;
  } else {
    loss = -at::minimum(ratio * advantage, ratio.clamp(1 - o.epsilon, 1 + o.epsilon_high) * advantage);
  }
  PolicyLoss out;
  out.tokens = static_cast<double>(t.logp.size(0));
  {
    const at::NoGradGuard no_grad;
    const double above = o.loss_type == "cispo" ? o.epsilon_high : 1 + o.epsilon_high;
    out.clipped_low = at::logical_and(ratio < 1 - o.epsilon, advantage < 0).sum().item<double>();
    out.clipped_high = at::logical_and(ratio > above, advantage > 0).sum().item<double>();
  }
  if (o.beta > 0) {
    require_internal(t.reference.defined(), "a KL term needs the reference's log-probabilities");
    const at::Tensor kl = k3(t.logp, t.reference);
    out.kl = kl.detach().sum().item<double>();
    loss = loss + o.beta * kl;
  }
  out.loss = (loss * t.weight).sum();
  return out;
}

}  // namespace beholder::train
