// The two losses of a generator's training. Both give one loss per example and, by name, what else is worth watching.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "train/flow_batch.h"

namespace beholder::train {

struct FlowLosses {
  at::Tensor loss_B;                          // with its graph
  std::map<std::string, at::Tensor> watched;  // [B] each, without
};

class FlowObjective {
 public:
  virtual ~FlowObjective() = default;
  virtual FlowLosses losses(const gen::Model& model, const FlowBatch& batch) const = 0;
  virtual std::vector<std::string> watched() const { return {}; }  // the names of what `losses` watches
};

// Flow matching: |v' - v|^2 (gen/flow.h).
class FlowMatching : public FlowObjective {
 public:
  FlowLosses losses(const gen::Model& model, const FlowBatch& batch) const override;
};

// Diffusion-DPO (arXiv 2311.12908, eq. 14) with velocities in place of noise (as arXiv 2501.13918). With e the squared error of the
// velocity, mean over a sample's values, at the same noise and time for the better (w) and the worse (l) medium,
//
//   L = -log sigmoid(-beta/2 * ((e_w - e_w^ref) - (e_l - e_l^ref)))
//
// T * omega(t) is 1/2 here, as in the authors' program, where beta 5000 was found for SDXL. At the start, where the model is its
// reference, L = log 2.
at::Tensor dpo_margins(const at::Tensor& error_w, const at::Tensor& error_l, const at::Tensor& reference_w, const at::Tensor& reference_l,
                       double beta);  // the sigmoid's argument, [B]
at::Tensor dpo_losses(const at::Tensor& margins);

class FlowDpo : public FlowObjective {
 public:
  // `reference` must outlive it.
  FlowDpo(const gen::Model& reference, double beta) : reference_(reference), beta_(beta) {}

  // Watched: "accuracy" (the margin is above 0: the model tells the pair apart better than its reference), "margin", "chosen" and
  // "rejected": e - e^ref; a chosen above 0 means that the better medium, too, became less likely.
  FlowLosses losses(const gen::Model& model, const FlowBatch& batch) const override;
  std::vector<std::string> watched() const override { return {"accuracy", "margin", "chosen", "rejected"}; }

 private:
  const gen::Model& reference_;
  double beta_;
};

}  // namespace beholder::train
