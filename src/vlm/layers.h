// The few building blocks that the vision tower and the decoder share. All differentiable.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "vlm/model.h"

namespace beholder::vlm {

// A parameter in the dtype of the computation (the gradient flows back to the stored one).
at::Tensor weight(const Model& model, const std::string& name);
// "<name>.weight", expanded where it is quantised.
at::Tensor matrix(const Model& model, const std::string& name);
// x [.., in] times w [out, in], plus bias [out] where there is one.
at::Tensor product(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias = {});
// x [.., in] -> [.., out] with "<name>.weight" and, where the model has them, "<name>.bias" and the adapter's pair (vlm/lora.h).
at::Tensor linear(const Model& model, const at::Tensor& x, const std::string& name);
// The same x with several of them.
std::vector<at::Tensor> linears(const Model& model, const at::Tensor& x, std::initializer_list<std::string> names);
// Root-mean-square norm with "<name>.weight"; statistics in float32.
at::Tensor rms_norm(const Model& model, const at::Tensor& x, const std::string& name, double eps);
// RMSNorm or, where "<name>.bias" exists (Qwen2-VL's tower), LayerNorm.
at::Tensor norm(const Model& model, const at::Tensor& x, const std::string& name, double eps);
// down(silu(gate(x)) * up(x))
at::Tensor gated_mlp(const Model& model, const at::Tensor& x, const std::string& name);

// Angles [T, d/2] -> what `rotate` needs, in `dtype`: cos and sin [T, d/2].
struct Rotary {
  at::Tensor cos, sin;
};
Rotary make_rotary(const at::Tensor& angles, at::ScalarType dtype);
// x [T, heads, d]: the pair (x_i, x_{i+d/2}) is turned by angle i.
at::Tensor rotate(const at::Tensor& x_Thd, const Rotary& rotary);

}  // namespace beholder::vlm
