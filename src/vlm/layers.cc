#include "vlm/layers.h"

#include <torch/types.h>

#include "vlm/fused.h"

namespace beholder::vlm {

at::Tensor weight(const Model& model, const std::string& name) {
  const at::Tensor& value = model.params[name];
  return value.scalar_type() == model.dtype ? value : value.to(model.dtype);
}

at::Tensor linear(const Model& model, const at::Tensor& x, const std::string& name) {
  const bool has_bias = model.params.find(name + ".bias") != nullptr;
  const at::Tensor y = at::linear(x, weight(model, name + ".weight"), has_bias ? weight(model, name + ".bias") : at::Tensor());
  if (model.lora_scale == 0 || !model.params.find(name + ".lora_A.weight")) return y;
  return y + at::linear(at::linear(x, weight(model, name + ".lora_A.weight")), weight(model, name + ".lora_B.weight")) * model.lora_scale;
}

at::Tensor rms_norm(const Model& model, const at::Tensor& x, const std::string& name, double eps) {
  return rms_normalise(x, weight(model, name + ".weight"), eps);
}

at::Tensor norm(const Model& model, const at::Tensor& x, const std::string& name, double eps) {
  if (!model.params.find(name + ".bias")) return rms_norm(model, x, name, eps);
  return at::layer_norm(x, {x.size(-1)}, weight(model, name + ".weight"), weight(model, name + ".bias"), eps);
}

at::Tensor gated_mlp(const Model& model, const at::Tensor& x, const std::string& name) {
  const at::Tensor gate = at::silu(linear(model, x, name + ".gate_proj"));
  return linear(model, gate * linear(model, x, name + ".up_proj"), name + ".down_proj");
}

Rotary make_rotary(const at::Tensor& angles, at::ScalarType dtype) {
  return {angles.cos().to(dtype), angles.sin().to(dtype)};
}

at::Tensor rotate(const at::Tensor& x_Thd, const Rotary& rotary) {
  return rotate_pairs(x_Thd, rotary.cos, rotary.sin);
}

}  // namespace beholder::vlm
