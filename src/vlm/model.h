// A vision-language model: its configuration and its weights. Weights are an ordered map from Hub names to tensors
// (a ParamStore); there is no module tree. A checkpoint on disk is memory-mapped: loading in the stored dtype copies nothing.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hf/config.h"
#include "hf/safetensors.h"
#include "vlm/quantised.h"

namespace beholder::vlm {

class ParamStore {
 public:
  const at::Tensor& operator[](std::string_view name) const;  // kInternal when absent
  const at::Tensor* find(std::string_view name) const;
  void set(std::string name, at::Tensor value);
  void erase(const std::string& name);
  const std::map<std::string, at::Tensor, std::less<>>& all() const { return tensors_; }
  std::int64_t numel() const;

 private:
  std::map<std::string, at::Tensor, std::less<>> tensors_;
};

// Names are those that Qwen2-VL published, for every family: "visual.blocks.0.attn.qkv.weight",
// "model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight".
struct ParamSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};
std::vector<ParamSpec> param_specs(const hf::ModelConfig& config);  // every tensor the family needs, in a fixed order (param_specs.cc)

// How the tensors of a checkpoint fit a configuration; names are the published ones.
struct CheckpointMatch {
  std::vector<std::pair<std::string, const hf::ShardedTensors::Entry*>> entries;
  std::vector<std::string> missing, unexpected, misshaped;
};
CheckpointMatch match_checkpoint(const hf::ModelConfig& config, const hf::ShardedTensors& tensors);

std::uint64_t new_model_id();

struct Model {
  hf::ModelConfig config;
  ParamStore params;
  double lora_scale = 0;              // alpha / r of the adapter in `params`; 0: the branch is left out (vlm/lora.h)
  at::ScalarType dtype = at::kFloat;  // of the computation; a parameter in another dtype is cast where it is used
  at::Device device = at::kCPU;
  bool gradient_checkpointing = false;  // layers are computed again in the backward pass (vlm/checkpoint.h)

  // Matrices that left `params` for fewer bits: "model.layers.0.mlp.up_proj", ..., "lm_head". A decoding step multiplies with them as
  // they are; a forward of many tokens expands one at a time to `dtype`.
  std::map<std::string, Quantised, std::less<>> quantised;
  bool decoding = false;              // every row is one token of another sequence
  std::uint64_t id = new_model_id();  // of the weights in this process: copies have the same, what is loaded or made has its own
};

struct LoadOptions {
  std::optional<at::ScalarType> dtype;  // empty: as stored
  at::Device device = at::kCPU;
  int quantise_bits = 0;  // 8 or 4: the decoder's matrices in so many bits, the head in 8; 0: as they are. CPU only (kUnsupported)
};

// Accepts both the published names and transformers' newer ones (model.language_model.*, model.visual.*), in every family. A folder with a
// PEFT adapter gives its base model with the adapter merged in. kUnsupported lists missing, unexpected and mis-shaped tensors; NaN or
// infinite weights are found with `check_finite`.
Model load_model(const std::string& dir, const LoadOptions& options = {});
void check_finite(const Model& model);
// The published name for transformers' newer one; others stay. transformers_name is the way back, for parameters and modules.
std::string published_name(std::string_view name);
std::string transformers_name(std::string_view name);
// What a parameter is called in the family's repositories: Qwen3-VL's are published under transformers' newer names.
std::string stored_name(hf::Family family, std::string_view name);
at::ScalarType tensor_dtype(const hf::TensorView& view);  // kUnsupported unless it is a floating-point type
// A view over a contiguous CPU tensor for the safetensors writer; the tensor must outlive it.
hf::TensorView tensor_view(std::string name, const at::Tensor& tensor);
// Writes model.safetensors (+ config.json) into `dir`, which exists; tensors in `dtype`, under the names that the family publishes.
void save_model(const Model& model, const std::string& dir, at::ScalarType dtype);
// Fresh weights for training from scratch: linear N(0, 1/fan_in), embeddings N(0, 0.02^2), norms 1, biases 0; half of the patch filters
// start blind to brightness and half blind to mean colour, so that colour and texture are seen from the first step.
Model init_model(const hf::ModelConfig& config, std::uint64_t seed);

// Sets the process up for `model`. Small ones (under 50 M parameters) get one thread, unless OMP_NUM_THREADS is set: they compute a token
// in less time than a second thread takes to wake up, and on a shared machine waiting for it costs a hundredfold (measured with the
// embedded judge on 2 busy cores: 30 tokens/s with two threads, 1,800 with one). Others get a thread a core, or as many as their container
// has processor time for, and a heap that grows in huge pages: 6% off a training step of a 0.1 B model.
void set_process_for(const Model& model);

int parse_quantisation(std::string_view name);      // "none" (0), "int8" or "int4": bits. kUsage.
at::ScalarType parse_dtype(std::string_view name);  // "fp32" "bf16" "fp16" (also "float32"...). kUsage.
at::Device parse_device(std::string_view name);     // "cpu", "cuda", "cuda:1". kUsage, or kResource without such a device.

// The most memory tensors have had at one time on the device, GiB. 0 on the CPU: there it is peak_memory_gb() of core/heap.h.
double peak_device_memory_gb(at::Device device);

}  // namespace beholder::vlm
