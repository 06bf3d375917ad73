// Rows of logits as one pass over memory: the log-probability of a token with the normaliser and the entropy, and the gradient. What the
// head's chunks use on the CPU; a chain of tensor operations reads and writes the chunk seven times.
#pragma once

#include <ATen/core/Tensor.h>

namespace beholder::vlm {

// Contiguous float32 or bfloat16 on the CPU.
bool has_row_loops(const at::Tensor& logits_RV);

// With z = logits / temperature: logprob = z[target] - normaliser, normaliser = log sum exp z, and where `entropy` is defined the entropy
// of softmax(z) in nats. All float32 [R] and contiguous; target int64 [R].
void score_rows(const at::Tensor& logits_RV, const at::Tensor& target_R, double temperature, at::Tensor& logprob_R,
                at::Tensor& normaliser_R, at::Tensor* entropy_R);

// Overwrites the logits with the gradient of sum(upstream * logprob): upstream / temperature * (1[target] - softmax(z)).
void gradient_rows(at::Tensor& logits_RV, const at::Tensor& target_R, double temperature, const at::Tensor& normaliser_R,
                   const at::Tensor& upstream_R);

}  // namespace beholder::vlm
