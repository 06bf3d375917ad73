#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"
#include "hf/safetensors.h"
#include "hf/sorted_json.h"

namespace beholder::hf {
namespace {
namespace fs = std::filesystem;

constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 28;

constexpr std::string_view kFetchAgain = "fetch all files of the checkpoint again";

using WeightMap = std::map<std::string, std::string>;  // tensor -> file

// A shard is a plain file name: an index from a stranger must not reach outside its folder.
void check_shard_name(const std::string& index, const std::string& file) {
  const bool plain = !file.empty() && file.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos && file[0] != '.';
  if (!plain || !file.ends_with(".safetensors"))
    throw Error(Code::kCorrupt, index, format("{} is not the name of a .safetensors file in this folder", json_line(file)), kFetchAgain);
}

WeightMap read_index(const std::string& path) {
  const SortedJson json = parse_sorted_json(read_file(path, kMaxIndexBytes), path);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty())
    throw Error(Code::kCorrupt, path, "there is no weight_map that names the tensors", kFetchAgain);
  WeightMap out;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) throw Error(Code::kCorrupt, path, format("the file of tensor {} is not a string", tensor), kFetchAgain);
    check_shard_name(path, file.get<std::string>());
    out[tensor] = file.get<std::string>();
  }
  return out;
}

[[noreturn]] void no_weights(const std::string& dir) {
  if (fs::exists(dir + "/pytorch_model.bin") || fs::exists(dir + "/pytorch_model.bin.index.json"))
    throw Error(Code::kUnsupported, dir, "the weights are in pickle files, which can run code when they are read",
                "convert them with transformers' save_pretrained(safe_serialization=True)");
  throw Error(Code::kNotFound, dir, "there is no model.safetensors and no model.safetensors.index.json",
              "give the folder of a checkpoint in the Hugging Face layout, downloaded whole");
}

}  // namespace

ShardedTensors ShardedTensors::open(const std::string& dir) {
  ShardedTensors out;
  const std::string single = dir + "/model.safetensors", index = single + ".index.json";
  WeightMap promised;
  std::set<std::string> files;
  if (fs::exists(single)) {
    files.insert("model.safetensors");
  } else {
    if (!fs::exists(index)) no_weights(dir);
    promised = read_index(index);
    for (const auto& [tensor, file] : promised) files.insert(file);
  }
  std::map<std::string, std::string> holder;
  for (const std::string& file : files) {
    if (!fs::exists(dir + "/" + file))
      throw Error(Code::kNotFound, dir + "/" + file, "this shard of the checkpoint is missing", "finish the download");
    out.shards_.push_back(SafeTensors::open(dir + "/" + file));
    for (const TensorView& view : out.shards_.back().tensors()) {
      const auto [at, fresh] = holder.emplace(view.name, file);
      if (!fresh) throw Error(Code::kCorrupt, dir, format("tensor {} stands in {} and in {}", view.name, at->second, file), kFetchAgain);
      out.entries_.push_back({view, out.shards_.back().file()});
    }
  }
  for (const auto& [tensor, file] : promised) {
    const auto at = holder.find(tensor);
    if (at == holder.end() || at->second != file)
      throw Error(Code::kCorrupt, index, format("tensor {} is not in {}, where the index places it", tensor, file),
                  "a shard is from another version of the checkpoint; fetch all files again");
  }
  std::sort(out.entries_.begin(), out.entries_.end(), [](const Entry& a, const Entry& b) { return a.view.name < b.view.name; });
  return out;
}

}  // namespace beholder::hf
