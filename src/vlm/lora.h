// Low-rank adapters (Hu et al. 2021) on the decoder's linear maps: y = W x + b + (alpha / r) B (A x). The pairs live in the
// model's ParamStore beside the weights they change, as "<module>.lora_A.weight" [r, in] and "<module>.lora_B.weight" [out, r];
// vlm::linear adds the branch. On disk they are PEFT's adapters (hf/peft.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hf/peft.h"
#include "vlm/model.h"

namespace beholder::vlm {

struct LoraOptions {
  std::int64_t r = 16;
  double alpha = 32;
  std::vector<std::string> target_modules;  // ends of module names at a dot: "q_proj", "0.self_attn.q_proj"
};

// Adds fresh pairs, A uniform in +-1/sqrt(in) and B zero, so that the model computes what it did; float32, or double in a double
// model. Returns their names. kUsage when a target fits no linear map of the decoder.
std::vector<std::string> add_lora(Model& model, const LoraOptions& options, std::uint64_t seed);

// W <- W + scale B A for every pair of the adapter; the other weights stay as they lie. kUnsupported for a module that the model
// does not have or a shape that does not fit it.
void merge_adapter(Model& model, const hf::Adapter& adapter);

// A pair's name in an adapter's file, with transformers' module names.
std::string adapter_tensor_name(std::string_view param);

// Writes the model's pairs and adapter_config.json into `dir`, which exists; tensors in `dtype`.
void save_adapter(const Model& model, const hf::AdapterConfig& config, const std::string& dir, at::ScalarType dtype);

}  // namespace beholder::vlm
