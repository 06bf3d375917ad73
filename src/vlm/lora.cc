#include "vlm/lora.h"

#include <torch/types.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::vlm {
namespace {

constexpr std::string_view kWeight = ".weight", kA = ".lora_A.weight", kB = ".lora_B.weight";

bool fits(std::string_view module, std::string_view target) {
  return module == target ||
         (module.size() > target.size() && module.ends_with(target) && module[module.size() - target.size() - 1] == '.');
}

bool is_lora(std::string_view name) {
  return name.ends_with(kA) || name.ends_with(kB);
}

// Linear maps of the decoder's layers, without ".weight".
std::vector<std::string> decoder_modules(const Model& model) {
  std::vector<std::string> out;
  for (const auto& [name, value] : model.params.all())
    if (name.starts_with("model.layers.") && value.dim() == 2 && !is_lora(name))
      out.push_back(name.substr(0, name.size() - kWeight.size()));
  return out;
}

void check_targets(const std::vector<std::string>& modules, const std::vector<std::string>& targets) {
  std::set<std::string> kinds;
  for (const std::string& module : modules) kinds.insert(module.substr(module.rfind('.') + 1));
  const std::string fix = format("choose from {}", fmt::join(kinds, ", "));
  if (targets.empty()) throw Error(Code::kUsage, "lora_target_modules", "is empty", fix);
  for (const std::string& target : targets)
    if (std::none_of(modules.begin(), modules.end(), [&](const std::string& m) { return fits(m, target); }))
      throw Error(Code::kUsage, "lora_target_modules", format("\"{}\" is no linear map of the decoder", target), fix);
}

at::Tensor fresh_a(std::int64_t r, std::int64_t in, Rng rng) {
  at::Tensor a = at::empty({r, in}, at::kFloat);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  float* data = a.data_ptr<float>();
  for (std::int64_t i = 0; i < a.numel(); ++i) data[i] = static_cast<float>(rng.uniform(-bound, bound));
  return a;
}

at::Tensor to_tensor(const hf::TensorView& view, const at::Tensor& like) {
  const at::ScalarType wide = like.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor out = at::empty(view.shape, tensor_dtype(view));
  if (!view.bytes.empty()) std::memcpy(out.data_ptr(), view.bytes.data(), view.bytes.size());
  return out.to(like.device(), wide);
}

[[noreturn]] void does_not_fit(const hf::Adapter& adapter, const std::string& what) {
  throw Error(Code::kUnsupported, adapter.path, what,
              format("the adapter belongs to another base than {}; set base_model_name_or_path in its {}", adapter.config.base_model,
                     hf::kAdapterConfig));
}

void check_shape(const hf::Adapter& adapter, const hf::TensorView& view, std::vector<std::int64_t> want) {
  if (view.shape != want)
    does_not_fit(adapter, format("tensor {} is [{}], not [{}]", view.name, fmt::join(view.shape, ", "), fmt::join(want, ", ")));
}

}  // namespace

std::vector<std::string> add_lora(Model& model, const LoraOptions& options, std::uint64_t seed) {
  const std::vector<std::string> modules = decoder_modules(model);
  check_targets(modules, options.target_modules);
  const at::ScalarType dtype = model.dtype == at::kDouble ? at::kDouble : at::kFloat;
  std::vector<std::string> added;
  for (const std::string& module : modules) {
    if (std::none_of(options.target_modules.begin(), options.target_modules.end(), [&](const auto& t) { return fits(module, t); }))
      continue;
    const at::Tensor& w = model.params[module + std::string(kWeight)];
    added.push_back(module + std::string(kA));
    model.params.set(added.back(), fresh_a(options.r, w.size(1), Rng(seed, stable_hash(added.back()))).to(model.device, dtype));
    added.push_back(module + std::string(kB));
    model.params.set(added.back(), at::zeros({w.size(0), options.r}, at::TensorOptions().dtype(dtype).device(model.device)));
  }
  model.lora_scale = options.alpha / static_cast<double>(options.r);
  return added;
}

void merge_adapter(Model& model, const hf::Adapter& adapter) {
  const at::NoGradGuard no_grad;
  for (const hf::AdapterPair& pair : adapter.pairs) {
    const std::string name = published_name(pair.module) + std::string(kWeight);
    const at::Tensor* weight = model.params.find(name);
    if (!weight || weight->dim() != 2 || name == "model.embed_tokens.weight")
      does_not_fit(adapter, format("tensor {} changes a module that the model does not have", pair.a.name));
    check_shape(adapter, pair.a, {adapter.config.r, weight->size(1)});
    check_shape(adapter, pair.b, {weight->size(0), adapter.config.r});
    const at::Tensor a = to_tensor(pair.a, *weight), b = to_tensor(pair.b, *weight);
    model.params.set(name, at::addmm(weight->to(a.scalar_type()), b, a, 1, adapter.config.scale()).to(weight->scalar_type()));
  }
}

std::string adapter_tensor_name(std::string_view param) {
  return std::string(hf::kAdapterPrefix) + transformers_name(param);
}

void save_adapter(const Model& model, const hf::AdapterConfig& config, const std::string& dir, at::ScalarType dtype) {
  std::vector<hf::TensorView> views;
  std::vector<at::Tensor> keep;
  for (const auto& [name, tensor] : model.params.all()) {
    if (!is_lora(name)) continue;
    keep.push_back(tensor.detach().to(at::kCPU, dtype).contiguous());
    views.push_back(tensor_view(adapter_tensor_name(name), keep.back()));
  }
  hf::write_safetensors(dir + "/" + hf::kAdapterWeights, std::move(views));
  write_file_atomic(dir + "/" + hf::kAdapterConfig, hf::adapter_config_text(config));
}

}  // namespace beholder::vlm
