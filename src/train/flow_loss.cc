#include "train/flow_loss.h"

#include <torch/types.h>

#include "core/error.h"
#include "gen/flow.h"

namespace beholder::train {
namespace {

// Both media of every pair in one forward pass: [w_1 … w_B, l_1 … l_B].
at::Tensor pair_errors(const gen::Model& model, const FlowBatch& batch) {
  const auto twice = [](const at::Tensor& x) { return torch::cat({x, x}); };
  return gen::velocity_errors(model, torch::cat({batch.clean, batch.rejected}), twice(batch.noise), twice(batch.t_B),
                              {twice(batch.prompts.ids_BL), twice(batch.prompts.mask_BL)});
}

}  // namespace

FlowLosses FlowMatching::losses(const gen::Model& model, const FlowBatch& batch) const {
  return {.loss_B = gen::velocity_errors(model, batch.clean, batch.noise, batch.t_B, batch.prompts), .watched = {}};
}

at::Tensor dpo_margins(const at::Tensor& error_w, const at::Tensor& error_l, const at::Tensor& reference_w, const at::Tensor& reference_l,
                       double beta) {
  return -beta / 2 * ((error_w - reference_w) - (error_l - reference_l));
}

at::Tensor dpo_losses(const at::Tensor& margins) {
  return torch::softplus(-margins);
}

FlowLosses FlowDpo::losses(const gen::Model& model, const FlowBatch& batch) const {
  require_internal(batch.rejected.defined(), "preference optimisation takes pairs");
  at::Tensor reference;
  {
    const at::NoGradGuard no_grad;
    reference = pair_errors(reference_, batch);
  }
  const std::vector<at::Tensor> e = pair_errors(model, batch).chunk(2), r = reference.chunk(2);
  const at::Tensor margins = dpo_margins(e[0], e[1], r[0], r[1], beta_), seen = margins.detach();
  return {.loss_B = dpo_losses(margins),
          .watched = {{"accuracy", (seen > 0).to(at::kFloat)},
                      {"margin", seen},
                      {"chosen", (e[0] - r[0]).detach()},
                      {"rejected", (e[1] - r[1]).detach()}}};
}

}  // namespace beholder::train
