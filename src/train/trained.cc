#include "train/trained.h"

#include <torch/types.h>

#include <algorithm>
#include <filesystem>

#include "core/sha256.h"
#include "vlm/lora.h"

namespace beholder::train {

std::vector<NamedParam> make_leaves(vlm::ParamStore& params, const std::vector<std::string>& names) {
  std::vector<NamedParam> leaves;
  for (const std::string& name : names) {
    const at::Tensor& value = params[name];
    const at::ScalarType dtype = value.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    at::Tensor leaf = value.detach().to(dtype).contiguous().clone().set_requires_grad(true);
    params.set(name, leaf);
    leaves.push_back({name, std::move(leaf)});
  }
  return leaves;
}

std::vector<NamedParam> make_trained(const RunConfig& c, vlm::Model& model) {
  model.gradient_checkpointing = c.gradient_checkpointing;
  if (c.use_peft) {
    const vlm::LoraOptions options{.r = c.lora_r, .alpha = static_cast<double>(c.lora_alpha), .target_modules = c.lora_target_modules};
    return make_leaves(model.params, vlm::add_lora(model, options, static_cast<std::uint64_t>(c.seed)));
  }
  std::vector<std::string> names;
  for (const auto& [name, value] : model.params.all())
    if (!c.freeze_vision_tower || !name.starts_with("visual.")) names.push_back(name);
  return make_leaves(model.params, names);
}

std::string frozen_sha256(const vlm::Model& model) {
  constexpr std::int64_t kElements = 1024;
  std::string text;
  for (const auto& [name, value] : model.params.all()) {
    if (value.requires_grad()) continue;
    const at::Tensor begin = value.flatten().narrow(0, 0, std::min(kElements, value.numel())).to(at::kCPU);
    text += name + " " + sha256_hex(std::span(static_cast<const std::byte*>(begin.const_data_ptr()), begin.nbytes())) + "\n";
  }
  return text.empty() ? "" : sha256_hex(text);
}

hf::AdapterConfig adapter_of(const RunConfig& c) {
  namespace fs = std::filesystem;
  return {.base_model = fs::is_directory(c.model) ? fs::canonical(c.model).string() : c.model,
          .r = c.lora_r,
          .lora_alpha = static_cast<double>(c.lora_alpha),
          .target_modules = c.lora_target_modules};
}

}  // namespace beholder::train
