// The optimiser: AdamW (Loshchilov and Hutter 2019) over a list of named leaf parameters, global gradient-norm clipping,
// and learning-rate schedules with transformers' formulas.
//
//   m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
//   p <- p - lr * decay * p;  p <- p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//
// Weight decay acts on matrices only: norms, biases and every other parameter with fewer than two dimensions have none.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::train {

struct NamedParam {
  std::string name;
  at::Tensor value;  // a leaf that requires gradients, float32
};

using TensorMap = std::map<std::string, at::Tensor>;

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
};

class AdamW {
 public:
  // `owned`: the parameters it keeps state for and changes; empty: all.
  AdamW(std::vector<NamedParam> params, const AdamWOptions& options, const std::vector<bool>& owned = {});

  // One update with the gradients the parameters hold. A parameter without one (a vision tower that saw no picture in this
  // batch) is left as it is, and so is its state. Gradients are multiplied with `grad_factor` first.
  void step(double learning_rate, double grad_factor = 1);
  void zero_grad();

  const std::vector<NamedParam>& params() const { return params_; }

  // Every owned parameter has its state from the start, so that a checkpoint's set of names never depends on the data:
  // "exp_avg/<name>", "exp_avg_sq/<name>", and "steps", float32 [parameters], 0 for those of others.
  TensorMap state() const;
  // Of all parameters. kCorrupt when a name or shape does not fit these parameters.
  void load_state(const TensorMap& state, std::string_view where);

 private:
  void step_group(const std::vector<std::size_t>& group, double learning_rate, double weight_decay,
                  const std::optional<at::Tensor>& grad_divisor);

  std::vector<NamedParam> params_;
  AdamWOptions options_;
  std::vector<at::Tensor> exp_avg_, exp_avg_sq_;  // undefined for parameters of others
  std::vector<at::Tensor> steps_;                 // one element each, float32, as the fused kernel wants them
  std::vector<std::size_t> decayed_, plain_;      // indices into params_
};

// Norm of all gradients together; 0 without any.
double grad_norm(const std::vector<NamedParam>& params);
// What gradients of this norm are to be multiplied with: max_norm / (norm + 1e-6) when that is below 1, else 1. max_norm 0: no clipping.
double clip_factor(double norm, double max_norm);

enum class Schedule { kLinear, kCosine, kConstant, kConstantWithWarmup };
// "linear", "cosine", "constant", "constant_with_warmup". kUsage.
Schedule parse_schedule(std::string_view name);
// Factor on the peak rate for the update that follows `step` finished ones. As in transformers: with a warm-up the very
// first update has rate 0, and linear and cosine end at 0 after total_steps.
double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup_steps, std::int64_t total_steps);

// The cycle that `step` is in, with restarts after `cycle_steps` updates each (SGDR, 1608.03983); the last one goes on beyond its end. No
// cycles: one of total_steps.
struct Cycle {
  std::int64_t step = 0, total_steps = 0;  // within the cycle
};
Cycle cycle_of(std::int64_t step, const std::vector<double>& cycle_steps, std::int64_t total_steps);

}  // namespace beholder::train
