#include "hf/checkpoint_info.h"

#include <filesystem>
#include <map>

#include "hf/config.h"
#include "hf/safetensors.h"
#include "hf/tokenizer.h"

namespace beholder::hf {
namespace {

struct Totals {
  std::int64_t parameters = 0, vision_parameters = 0, tensors = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::int64_t> dtypes;

  void add(const TensorView& tensor) {
    const std::string& name = tensor.name;
    parameters += tensor.numel();
    if (name.starts_with("visual.") || name.starts_with("model.visual.")) vision_parameters += tensor.numel();
    bytes += tensor.bytes.size();
    ++tensors;
    ++dtypes[std::string(dtype_name(tensor.dtype))];
  }
};

bool has_tokenizer(const std::string& dir) {
  return std::filesystem::exists(dir + "/tokenizer.json") || std::filesystem::exists(dir + "/vocab.json");
}

}  // namespace

Json checkpoint_info(const std::string& dir) {
  const ModelConfig config = read_model_config(dir);
  const ShardedTensors all = ShardedTensors::open(dir);
  Totals totals;
  for (const ShardedTensors::Entry& entry : all.entries()) totals.add(entry.view);
  return {{"dir", dir},
          {"family", family_name(config.family)},
          {"parameters", totals.parameters},
          {"vision_parameters", totals.vision_parameters},
          {"dtypes", totals.dtypes},
          {"tensors", totals.tensors},
          {"bytes", totals.bytes},
          {"shards", all.shards().size()},
          {"vocabulary", config.text.vocab_size},
          {"tokenizer_size", has_tokenizer(dir) ? Json(Tokenizer::load(dir).size()) : Json(nullptr)}};
}

Json safetensors_info(const std::string& file) {
  const SafeTensors opened = SafeTensors::open(file);
  Totals totals;
  Json list = Json::array();
  for (const TensorView& tensor : opened.tensors()) {
    totals.add(tensor);
    list.push_back({{"name", tensor.name}, {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"bytes", tensor.bytes.size()}});
  }
  return {{"file", file},
          {"bytes", opened.file()->bytes().size()},
          {"parameters", totals.parameters},
          {"dtypes", totals.dtypes},
          {"metadata", opened.metadata()},
          {"tensors", std::move(list)}};
}

}  // namespace beholder::hf
