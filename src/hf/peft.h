// LoRA adapters in PEFT's layout: a folder with adapter_config.json and adapter_model.safetensors, and elsewhere the base model
// that they change. Only plain LoRA is read and written: y = W x + b + (lora_alpha / r) B (A x).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hf/safetensors.h"

namespace beholder::hf {

inline constexpr const char* kAdapterConfig = "adapter_config.json";
inline constexpr const char* kAdapterWeights = "adapter_model.safetensors";
inline constexpr std::string_view kAdapterPrefix = "base_model.model.";  // of every tensor name

struct AdapterConfig {
  std::string base_model;  // a folder, or org/name[@revision]
  std::int64_t r = 0;
  double lora_alpha = 0;
  std::vector<std::string> target_modules;  // written for PEFT; a reader goes by the tensors and leaves this empty

  double scale() const { return lora_alpha / static_cast<double>(r); }
};

// One adapted module by the name the file uses for it, e.g. "model.language_model.layers.0.self_attn.q_proj".
struct AdapterPair {
  std::string module;
  TensorView a, b;  // [r, in], [out, r]; the shapes are checked where the model is known
};

struct Adapter {
  AdapterConfig config;
  std::string path;                        // of the tensors, for messages
  std::shared_ptr<const MappedFile> file;  // keeps the tensors' bytes alive
  std::vector<AdapterPair> pairs;          // at least one, by module
};

bool is_adapter(const std::string& dir);  // whether adapter_config.json is there

// kUnsupported for another kind of adapter or a setting beyond plain LoRA, and for a tensor that is not part of a pair; kCorrupt
// where one of A and B is missing; kNotFound without the tensors. Each names the file and the key or tensor.
Adapter read_adapter(const std::string& dir);

// The folder with configuration, tokenizer and whole weights: `dir` itself, or for an adapter its base. A relative name is
// looked for beside the adapter's files first, then like any model name. kNotFound says what was tried and what to edit.
std::string base_model_dir(const std::string& dir);

// The text of adapter_config.json.
std::string adapter_config_text(const AdapterConfig& config);

}  // namespace beholder::hf
