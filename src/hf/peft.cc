#include "hf/peft.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/config_reader.h"
#include "hf/hub.h"

namespace beholder::hf {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlainLora = "train plain LoRA (no DoRA, no patterns, bias none), or merge it with PEFT's merge_and_unload()";

// Settings that change what the tensors mean, or say that there are more of them. Each has a value that means "off".
constexpr std::array kBeyondPlainLora{"use_dora",
                                      "use_rslora",
                                      "use_qalora",
                                      "use_bdlora",
                                      "lora_bias",
                                      "fan_in_fan_out",
                                      "bias",
                                      "rank_pattern",
                                      "alpha_pattern",
                                      "modules_to_save",
                                      "layer_replication",
                                      "trainable_token_indices",
                                      "target_parameters",
                                      "alora_invocation_tokens",
                                      "arrow_config",
                                      "kasa_config",
                                      "velora_config",
                                      "monteclora_config"};

bool is_off(const Json& value) {
  return value.is_null() || value == false || value == "none" || ((value.is_object() || value.is_array()) && value.empty());
}

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Error(Code::kUnsupported, where, what, kPlainLora);
}

// Initialisations that move part of the base's weights into the adapter: without the changed base the tensors mean nothing.
bool keeps_the_base(const Json& init) {
  return !init.is_string() || init == "gaussian" || init == "orthogonal" || init == "eva";
}

AdapterConfig read_adapter_config(const std::string& dir) {
  const std::string where = dir + "/" + kAdapterConfig;
  const Json json = read_json(where);
  const ConfigReader reader(json, where);
  const auto type = reader.get<std::string>("peft_type", "missing");
  if (type != "LORA") unsupported(where, format("peft_type is {}, not LORA", type));
  for (const char* key : kBeyondPlainLora)
    if (json.contains(key) && !is_off(json[key])) unsupported(where, format("{} is {}", key, json_line(json[key]).substr(0, 80)));
  if (json.contains("init_lora_weights") && !keeps_the_base(json["init_lora_weights"]))
    unsupported(where, format("init_lora_weights {} changed the base's weights", json_line(json["init_lora_weights"])));
  AdapterConfig config;
  config.r = reader.integer("r", 1, 1 << 20);
  config.lora_alpha = reader.real_or("lora_alpha", 8, 0, 1e9);
  config.base_model = json_need<std::string>(json, "base_model_name_or_path", where);
  if (const auto revision = reader.get<std::string>("revision", ""); !revision.empty() && !fs::exists(config.base_model))
    config.base_model += "@" + revision;
  return config;
}

}  // namespace

bool is_adapter(const std::string& dir) {
  std::error_code ignored;
  return fs::exists(dir + "/" + kAdapterConfig, ignored);
}

Adapter read_adapter(const std::string& dir) {
  Adapter adapter{.config = read_adapter_config(dir), .path = dir + "/" + kAdapterWeights, .file = {}, .pairs = {}};
  if (!fs::exists(adapter.path) && fs::exists(dir + "/adapter_model.bin"))
    throw Error(Code::kUnsupported, dir, "the adapter is in a pickle file, which can run code when it is read",
                "save it again with PEFT's save_pretrained(safe_serialization=True)");
  const SafeTensors file = SafeTensors::open(adapter.path);
  adapter.file = file.file();
  std::map<std::string, std::map<char, TensorView>> modules;
  for (const TensorView& tensor : file.tensors()) {
    constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";
    const std::string_view name = tensor.name;
    if (!name.starts_with(kAdapterPrefix) || !(name.ends_with(kA) || name.ends_with(kB)))
      unsupported(adapter.path, format("tensor {} is not the lora_A or lora_B of a module", name));
    const std::string module(name.substr(kAdapterPrefix.size(), name.size() - kAdapterPrefix.size() - kA.size()));
    modules[module][name.ends_with(kA) ? 'A' : 'B'] = tensor;
  }
  if (modules.empty()) throw Error(Code::kCorrupt, adapter.path, "holds no tensors", "save the adapter again");
  for (const auto& [module, parts] : modules) {
    for (const char part : {'A', 'B'})
      if (!parts.count(part))
        throw Error(Code::kCorrupt, adapter.path,
                    format("{}{}.lora_{}.weight is missing beside the other half", kAdapterPrefix, module, part),
                    "the file was cut or edited; fetch or save the adapter again");
    adapter.pairs.push_back({module, parts.at('A'), parts.at('B')});
  }
  return adapter;
}

std::string base_model_dir(const std::string& dir) {
  if (!is_adapter(dir)) return dir;
  const std::string name = read_adapter_config(dir).base_model, where = dir + "/" + kAdapterConfig;
  const fs::path beside = fs::path(dir) / name;
  std::error_code ignored;
  std::string base;
  try {
    base = !name.empty() && fs::is_directory(beside, ignored) ? beside.lexically_normal().string() : resolve_model_dir(name);
  } catch (const Error& e) {
    throw Error(e.code(), where, format("its base model {}: {} (also looked beside the adapter)", name, e.problem()),
                format("set base_model_name_or_path in this file to the base's folder, or {}", e.fix()));
  }
  if (is_adapter(base))
    throw Error(Code::kUnsupported, where, format("its base model {} is itself an adapter", name),
                "merge that one first and name the merged model here");
  return base;
}

std::string adapter_config_text(const AdapterConfig& config) {
  const std::size_t at = fs::exists(config.base_model) ? std::string::npos : config.base_model.find('@');
  const bool whole = config.lora_alpha == std::floor(config.lora_alpha);
  const Json json = {{"peft_type", "LORA"},
                     {"task_type", "CAUSAL_LM"},
                     {"base_model_name_or_path", config.base_model.substr(0, at)},
                     {"revision", at == std::string::npos ? Json() : Json(config.base_model.substr(at + 1))},
                     {"inference_mode", true},
                     {"r", config.r},
                     {"lora_alpha", whole ? Json(static_cast<std::int64_t>(config.lora_alpha)) : Json(config.lora_alpha)},
                     {"lora_dropout", 0.0},
                     {"target_modules", config.target_modules},
                     {"exclude_modules", ".*visual.*"},  // the tower has gate_proj, up_proj and down_proj, too
                     {"bias", "none"},
                     {"fan_in_fan_out", false},
                     {"init_lora_weights", true},
                     {"modules_to_save", nullptr},
                     {"rank_pattern", Json::object()},
                     {"alpha_pattern", Json::object()},
                     {"use_dora", false},
                     {"use_rslora", false}};
  return json.dump(2) + "\n";
}

}  // namespace beholder::hf
