#include "train/optim.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/format.h"

namespace beholder::train {
namespace {

const at::Tensor& need(const TensorMap& state, const std::string& key, c10::IntArrayRef shape, std::string_view where) {
  const auto it = state.find(key);
  if (it == state.end()) throw Error(Code::kCorrupt, where, format("optimiser state lacks \"{}\"", key));
  if (it->second.sizes() != shape || it->second.scalar_type() != at::kFloat)
    throw Error(Code::kCorrupt, where, format("optimiser state \"{}\" has another shape or type than its parameter", key));
  return it->second;
}

}  // namespace

AdamW::AdamW(std::vector<NamedParam> params, const AdamWOptions& options, const std::vector<bool>& owned)
    : params_(std::move(params)), options_(options) {
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const at::Tensor& value = params_[i].value;
    require_internal((value.scalar_type() == at::kFloat || value.scalar_type() == at::kDouble) && value.is_contiguous(),
                     "AdamW wants contiguous float32 or float64 parameters");
    const bool mine = owned.empty() || owned[i];
    exp_avg_.push_back(mine ? at::zeros_like(value, at::TensorOptions().requires_grad(false)) : at::Tensor());
    exp_avg_sq_.push_back(mine ? at::zeros_like(value, at::TensorOptions().requires_grad(false)) : at::Tensor());
    steps_.push_back(at::zeros({}, value.options().requires_grad(false)));
    if (mine) (value.dim() >= 2 ? decayed_ : plain_).push_back(i);
  }
}

void AdamW::step(double learning_rate, double grad_factor) {
  c10::NoGradGuard no_grad;
  std::optional<at::Tensor> divisor;
  if (grad_factor != 1.0 && !params_.empty())
    divisor = at::full({}, 1 / grad_factor, params_[0].value.options().dtype(at::kFloat).requires_grad(false));
  step_group(decayed_, learning_rate, options_.weight_decay, divisor);
  step_group(plain_, learning_rate, 0.0, divisor);
}

void AdamW::step_group(const std::vector<std::size_t>& group, double learning_rate, double weight_decay,
                       const std::optional<at::Tensor>& grad_divisor) {
  std::vector<at::Tensor> values, grads, exp_avg, exp_avg_sq, steps;
  for (const std::size_t i : group) {
    const at::Tensor& grad = params_[i].value.grad();
    if (!grad.defined()) continue;
    values.push_back(params_[i].value);
    grads.push_back(grad.contiguous());
    exp_avg.push_back(exp_avg_[i]);
    exp_avg_sq.push_back(exp_avg_sq_[i]);
    steps.push_back(steps_[i]);
  }
  if (values.empty()) return;
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(values, grads, exp_avg, exp_avg_sq, {}, steps, learning_rate, options_.beta1, options_.beta2, weight_decay,
                    options_.epsilon, /*amsgrad=*/false, /*maximize=*/false, grad_divisor);
}

void AdamW::zero_grad() {
  for (NamedParam& param : params_) param.value.mutable_grad().reset();
}

TensorMap AdamW::state() const {
  TensorMap out;
  for (std::size_t i = 0; i < params_.size(); ++i) {
    if (!exp_avg_[i].defined()) continue;
    out["exp_avg/" + params_[i].name] = exp_avg_[i];
    out["exp_avg_sq/" + params_[i].name] = exp_avg_sq_[i];
  }
  out["steps"] = steps_.empty() ? at::zeros({0}) : at::stack(steps_);
  return out;
}

void AdamW::load_state(const TensorMap& state, std::string_view where) {
  c10::NoGradGuard no_grad;
  const at::Tensor& steps = need(state, "steps", {static_cast<std::int64_t>(params_.size())}, where);
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const auto shape = params_[i].value.sizes();
    if (!exp_avg_[i].defined()) continue;
    exp_avg_[i].copy_(need(state, "exp_avg/" + params_[i].name, shape, where));
    exp_avg_sq_[i].copy_(need(state, "exp_avg_sq/" + params_[i].name, shape, where));
    steps_[i].copy_(steps[static_cast<std::int64_t>(i)]);
  }
}

double grad_norm(const std::vector<NamedParam>& params) {
  c10::NoGradGuard no_grad;
  std::vector<at::Tensor> grads;
  for (const NamedParam& param : params)
    if (param.value.grad().defined()) grads.push_back(param.value.grad());
  return grads.empty() ? 0.0 : at::stack(at::_foreach_norm(grads, 2)).to(at::kDouble).norm().item<double>();
}

double clip_factor(double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  return max_norm > 0 && factor < 1.0 ? factor : 1.0;  // 1 for a NaN
}

Schedule parse_schedule(std::string_view name) {
  if (name == "linear") return Schedule::kLinear;
  if (name == "cosine") return Schedule::kCosine;
  if (name == "constant") return Schedule::kConstant;
  if (name == "constant_with_warmup") return Schedule::kConstantWithWarmup;
  throw Error(Code::kUsage, "lr_scheduler_type", format("unknown schedule \"{}\"", name),
              "choose one of: linear, cosine, constant, constant_with_warmup");
}

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t warmup_steps, std::int64_t total_steps) {
  if (schedule == Schedule::kConstant) return 1.0;
  const double warm = static_cast<double>(std::max<std::int64_t>(1, warmup_steps));
  if (step < warmup_steps) return static_cast<double>(step) / warm;
  const double rest = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  const double progress = static_cast<double>(step - warmup_steps) / rest;
  if (schedule == Schedule::kLinear) return std::max(0.0, 1.0 - progress);
  if (schedule == Schedule::kCosine) return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
  return 1.0;
}

Cycle cycle_of(std::int64_t step, const std::vector<double>& cycle_steps, std::int64_t total_steps) {
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < cycle_steps.size(); ++i) {
    const auto length = static_cast<std::int64_t>(cycle_steps[i]);
    if (step < begin + length || i + 1 == cycle_steps.size()) return {.step = step - begin, .total_steps = length};
    begin += length;
  }
  return {.step = step, .total_steps = total_steps};
}

}  // namespace beholder::train
