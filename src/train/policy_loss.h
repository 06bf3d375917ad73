// The policy-gradient losses of the GRPO family on a flat list of completion tokens. Letters: T tokens, B completions of the
// whole (accumulated) batch. Names, formulas and defaults are TRL's (GRPO 2402.03300, Dr. GRPO 2503.20783, DAPO 2503.14476,
// CISPO 2506.13585, SAPO 2511.20347, GSPO 2507.18071); docs/methods/grpo.md has them side by side.
//
//   loss = sum_t weight_t * (l_t + beta * k3_t),   l_t = -min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon_high) A), …
//
// The weights carry the aggregation and are known before the first backward pass, so how a batch is cut into micro-batches
// does not change the gradient.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace beholder::train {

struct PolicyLossOptions {
  std::string loss_type = "dapo";                   // grpo, dr_grpo, dapo, bnpo, cispo, sapo
  std::string importance_sampling_level = "token";  // token, sequence (GSPO)
  double epsilon = 0.2, epsilon_high = 0.2;         // cispo: epsilon_high is the largest ratio itself
  double beta = 0.0;                                // of the KL term to the reference; 0 needs no reference
  double sapo_temperature_pos = 1.0, sapo_temperature_neg = 1.05;
};

// Which tokens count, and the denominators of a batch. `lengths[i]`: completion i's active tokens (0 when it is masked).
struct BatchShape {
  std::vector<std::int64_t> lengths;       // [B]
  std::int64_t max_completion_length = 0;  // for dr_grpo
  std::int64_t micro_batches = 1;          // for bnpo: its mean is over a micro-batch
};

// Weight of every active token of each completion first..last - 1, which are one micro-batch; 0 where a completion has none.
std::vector<double> token_weights(const PolicyLossOptions& options, const BatchShape& shape, std::size_t first, std::size_t last);

// One micro-batch. All [T] float32 on one device; `sequence` int64: which of `sequences` completions a token belongs to.
struct PolicyTokens {
  at::Tensor logp;       // requires grad
  at::Tensor old_logp;   // when the completion was sampled; logp.detach() for the first update on it
  at::Tensor reference;  // undefined when beta is 0
  at::Tensor advantage, weight, sequence;
  std::int64_t sequences = 0;
};

struct PolicyLoss {
  at::Tensor loss;  // scalar
  // Sums over the micro-batch's tokens, to be divided by `tokens`: share clipped below and above, and k3.
  double clipped_low = 0, clipped_high = 0, kl = 0;
  double tokens = 0;
};
PolicyLoss policy_loss(const PolicyTokens& tokens, const PolicyLossOptions& options);

// k3 = exp(d) - d - 1 with d = reference - logp, clamped to [-20, 20]: unbiased, never negative.
at::Tensor k3(const at::Tensor& logp, const at::Tensor& reference);

}  // namespace beholder::train
