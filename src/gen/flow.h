// Rectified flow (arXiv 2209.03003, 2403.03206). Convention: t = 0 is the picture, t = 1 is noise,
//
//   x_t = (1 - t) x_0 + t n,   n ~ N(0, 1);   velocity v = dx_t/dt = n - x_0 = (x_t - x_0) / t
//
// The network gives x_0'; its velocity is (x_t - x_0') / max(t, kMinTime). Training compares velocities: with both taken over the same
// denominator, |v' - v|^2 = |x_0' - x_0|^2 / max(t, kMinTime)^2.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/rng.h"
#include "gen/network.h"

namespace beholder::gen {

inline constexpr double kMinTime = 0.05;  // below it the division would make noise of rounding

at::Tensor mix(const at::Tensor& clean, const at::Tensor& noise, const at::Tensor& t_B);
// Of the flow at x_t that leads to `clean`.
at::Tensor velocity(const at::Tensor& x_t, const at::Tensor& clean, const at::Tensor& t_B);

// Times are drawn from a logit-normal distribution: t = sigmoid(mean + std * z). A mean above 0 looks more at noise, where what is in the
// picture is decided.
struct TimeOptions {
  double mean = 0.4, std = 1.0;
};
double draw_time(Rng& rng, const TimeOptions& options);

// N(0, 1) float32 [C,F,S,S] of the model's size.
at::Tensor draw_noise(Rng& rng, const GeneratorConfig& config);

// |v' - v|^2, mean over a sample's values: [B].
at::Tensor velocity_errors(const Model& model, const at::Tensor& clean, const at::Tensor& noise, const at::Tensor& t_B,
                           const PromptTokens& prompts);

}  // namespace beholder::gen
