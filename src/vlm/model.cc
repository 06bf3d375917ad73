#include "vlm/model.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <set>

#include "core/container.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/heap.h"
#include "core/profile.h"
#include "core/rng.h"
#include "hf/peft.h"
#include "hf/safetensors.h"
#include "vlm/gemm.h"
#include "vlm/lora.h"
#include "vlm/quantise_model.h"

namespace beholder::vlm {
namespace {

hf::DType file_type(at::ScalarType type) {
  switch (type) {
    case at::kBFloat16:
      return hf::DType::kBF16;
    case at::kHalf:
      return hf::DType::kF16;
    case at::kDouble:
      return hf::DType::kF64;
    case at::kLong:
      return hf::DType::kI64;
    case at::kInt:
      return hf::DType::kI32;
    case at::kByte:
      return hf::DType::kU8;
    case at::kBool:
      return hf::DType::kBool;
    default:
      return hf::DType::kF32;
  }
}

// A tensor over the map itself: no copy, and the map lives as long as the tensor does.
at::Tensor mapped_tensor(const hf::ShardedTensors::Entry& entry) {
  const at::ScalarType type = tensor_dtype(entry.view);
  auto* data = const_cast<std::byte*>(entry.view.bytes.data());
  const auto file = entry.file;
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(hf::dtype_size(entry.view.dtype)) == 0;
  if (aligned) return at::from_blob(data, entry.view.shape, [file](void*) {}, at::TensorOptions().dtype(type));
  at::Tensor copy = at::empty(entry.view.shape, type);
  std::memcpy(copy.data_ptr(), data, entry.view.bytes.size());
  return copy;
}

std::string first_few(const std::vector<std::string>& items) {
  const std::size_t shown = std::min<std::size_t>(items.size(), 4);
  std::string text = format("{}", fmt::join(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return items.size() > shown ? format("{} and {} more", text, items.size() - shown) : text;
}

}  // namespace

const at::Tensor& ParamStore::operator[](std::string_view name) const {
  const at::Tensor* tensor = find(name);
  require_internal(tensor != nullptr, format("no parameter named {}", name));
  return *tensor;
}

const at::Tensor* ParamStore::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

void ParamStore::set(std::string name, at::Tensor value) {
  tensors_[std::move(name)] = std::move(value);
}

void ParamStore::erase(const std::string& name) {
  tensors_.erase(name);
}

std::int64_t ParamStore::numel() const {
  std::int64_t n = 0;
  for (const auto& [name, tensor] : tensors_) n += tensor.numel();
  return n;
}

at::ScalarType tensor_dtype(const hf::TensorView& view) {
  switch (view.dtype) {
    case hf::DType::kF32:
      return at::kFloat;
    case hf::DType::kBF16:
      return at::kBFloat16;
    case hf::DType::kF16:
      return at::kHalf;
    case hf::DType::kF64:
      return at::kDouble;
    default:
      throw Error(Code::kUnsupported, view.name, format("weights of dtype {} cannot be used", hf::dtype_name(view.dtype)),
                  "convert the checkpoint to BF16, F16 or F32");
  }
}

CheckpointMatch match_checkpoint(const hf::ModelConfig& config, const hf::ShardedTensors& tensors) {
  std::map<std::string, const hf::ShardedTensors::Entry*> found;
  for (const auto& entry : tensors.entries()) found[published_name(entry.view.name)] = &entry;
  CheckpointMatch match;
  for (const ParamSpec& spec : param_specs(config)) {
    const auto it = found.find(spec.name);
    if (it == found.end()) {
      match.missing.push_back(stored_name(config.family, spec.name));
      continue;
    }
    if (it->second->view.shape != spec.shape)
      match.misshaped.push_back(format("{} is [{}], not [{}]", stored_name(config.family, spec.name),
                                       fmt::join(it->second->view.shape, ", "), fmt::join(spec.shape, ", ")));
    match.entries.emplace_back(spec.name, it->second);
    found.erase(it);
  }
  if (config.text.tie_word_embeddings) found.erase("lm_head.weight");  // some writers store the tied head a second time
  for (const auto& [name, entry] : found) match.unexpected.push_back(stored_name(config.family, name));
  return match;
}

std::uint64_t new_model_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

Model load_model(const std::string& dir, const LoadOptions& options) {
  const ProfileSpan span("load weights");
  use_faster_gemm();
  Model model;
  if (hf::is_adapter(dir)) {
    const hf::Adapter adapter = hf::read_adapter(dir);  // before the base: its problems are found at once
    model = load_model(hf::base_model_dir(dir), {options.dtype, options.device});
    merge_adapter(model, adapter);
    if (options.quantise_bits > 0) quantise_model(model, options.quantise_bits);
    return model;
  }
  model.config = hf::read_model_config(dir);
  const hf::ShardedTensors tensors = hf::ShardedTensors::open(dir);
  const CheckpointMatch match = match_checkpoint(model.config, tensors);
  std::string problem;
  if (!match.missing.empty()) problem += format("missing tensors: {}; ", first_few(match.missing));
  if (!match.unexpected.empty()) problem += format("unexpected tensors: {}; ", first_few(match.unexpected));
  if (!match.misshaped.empty()) problem += format("wrong shapes: {}; ", first_few(match.misshaped));
  if (!problem.empty())
    throw Error(Code::kUnsupported, dir, format("{}weights and config.json do not fit", problem),
                "use the config.json that came with these weights");
  for (const auto& [name, entry] : match.entries) {
    at::Tensor value = mapped_tensor(*entry);
    if (options.dtype && value.scalar_type() != *options.dtype) value = value.to(*options.dtype);
    model.params.set(name, value.to(options.device));
  }
  model.dtype = options.dtype.value_or(model.params["model.embed_tokens.weight"].scalar_type());
  model.device = options.device;
  if (options.quantise_bits > 0) quantise_model(model, options.quantise_bits);
  return model;
}

void check_finite(const Model& model) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : model.params.all())
    if (!at::isfinite(tensor.sum(at::kDouble)).item<bool>() && !at::isfinite(tensor).all().item<bool>())
      throw Error(Code::kCorrupt, name, "the weights contain NaN or infinity", "download or train the checkpoint again");
}

hf::TensorView tensor_view(std::string name, const at::Tensor& t) {
  require_internal(t.is_contiguous() && t.is_cpu(), "tensor_view wants a contiguous CPU tensor");
  return {std::move(name), file_type(t.scalar_type()), t.sizes().vec(), {static_cast<const std::byte*>(t.data_ptr()), t.nbytes()}};
}

void save_model(const Model& model, const std::string& dir, at::ScalarType dtype) {
  std::vector<hf::TensorView> views;
  std::vector<at::Tensor> keep;
  for (const auto& [name, tensor] : model.params.all()) {
    keep.push_back(tensor.detach().to(at::kCPU, dtype).contiguous());
    views.push_back(tensor_view(stored_name(model.config.family, name), keep.back()));
  }
  hf::write_safetensors(dir + "/model.safetensors", std::move(views));
  const char* dtype_name = dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kHalf ? "float16" : "float32";
  Json config = model.config.raw;
  config["torch_dtype"] = dtype_name;
  if (config.contains("dtype")) config["dtype"] = dtype_name;  // the newer key for it, which goes first
  for (const char* part : {"text_config", "vision_config"})
    if (config.contains(part) && config[part].contains("dtype")) config[part]["dtype"] = dtype_name;
  write_file_atomic(dir + "/config.json", config.dump(2) + "\n");
}

void set_process_for(const Model& model) {
  constexpr std::int64_t kSmallParameters = 50'000'000;
  std::int64_t quantised = 0;
  for (const auto& [name, matrix] : model.quantised) quantised += matrix.n * matrix.k;
  const bool small = model.params.numel() + quantised < kSmallParameters;
  if (!small) widen_heap();
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(small ? 1 : std::min(at::get_num_threads(), usable_cores()));
}

int parse_quantisation(std::string_view name) {
  if (name == "none") return 0;
  if (name == "int8") return 8;
  if (name == "int4") return 4;
  throw Error(Code::kUsage, "--quantize", format("\"{}\" is not a number format", name), "choose none, int8 or int4");
}

at::ScalarType parse_dtype(std::string_view name) {
  if (name == "fp32" || name == "float32") return at::kFloat;
  if (name == "bf16" || name == "bfloat16") return at::kBFloat16;
  if (name == "fp16" || name == "float16") return at::kHalf;
  throw Error(Code::kUsage, "--dtype", format("\"{}\" is not a dtype", name), "choose auto, fp32, bf16 or fp16");
}

at::Device parse_device(std::string_view name) {
  try {
    const at::Device device{std::string(name)};
    if (device.is_cuda() && !at::hasCUDA())
      throw Error(Code::kResource, "--device", format("{} is not there: this LibTorch has no CUDA or the machine has no GPU", name),
                  "use --device cpu");
    if (device.is_cpu() || device.is_cuda()) return device;
  } catch (const c10::Error&) {
  }
  throw Error(Code::kUsage, "--device", format("\"{}\" is not a device", name), "use cpu, cuda or cuda:N");
}

double peak_device_memory_gb(at::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(device.has_index() ? device.index() : at::accelerator::getDeviceIndex());
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<double>(stats.allocated_bytes[kAll].peak) / (1 << 30);
}

}  // namespace beholder::vlm
