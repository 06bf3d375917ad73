#include "train/checkpoint.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "hf/peft.h"
#include "hf/safetensors.h"

namespace beholder::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kState = "state.json";
constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr int kFormat = 1;

std::string step_name(std::int64_t step) {
  return format("step-{}", step);
}

std::optional<std::int64_t> parse_step(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  return error == std::errc{} && stop == end && step >= 0 ? std::optional(step) : std::nullopt;
}

// ---- writing

void write_tensors(const std::string& path, const TensorMap& tensors) {
  std::vector<at::Tensor> kept;
  std::vector<hf::TensorView> views;
  for (const auto& [name, value] : tensors) {
    const at::Tensor tensor = kept.emplace_back(value.detach().to(at::kCPU).contiguous());
    require_internal(tensor.scalar_type() == at::kFloat, "checkpoints hold float32");
    views.push_back({.name = name,
                     .dtype = hf::DType::kF32,
                     .shape = tensor.sizes().vec(),
                     .bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())}});
  }
  hf::write_safetensors(path, std::move(views));
}

Json manifest_of(const std::string& dir, const CheckpointContent& content) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  Json files = Json::array();
  for (const std::string& name : names) {
    const auto map = MappedFile::open(dir + "/" + name);
    files.push_back({{"name", name}, {"bytes", map->bytes().size()}, {"sha256", sha256_hex(map->bytes())}});
  }
  return {{"format", kFormat}, {"step", content.step}, {"config_hash", config_hash(content.config)}, {"files", files}};
}

void check_space(const std::string& dir, const CheckpointContent& content) {
  std::uint64_t wanted = 1 << 20;
  for (const auto* tensors : {&content.model, &content.optimizer})
    for (const auto& [name, value] : *tensors) wanted += value.nbytes();
  for (const auto& [name, bytes] : content.files) wanted += bytes.size();
  std::error_code error;
  const fs::space_info space = fs::space(dir, error);
  if (error || space.available >= wanted) return;
  throw Error(Code::kResource, dir,
              format("a checkpoint needs {}, the disk has {} left", human_bytes(wanted), human_bytes(space.available)),
              "free some disk space and resume the run; earlier checkpoints are intact");
}

void sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);  // some file systems refuse this for folders
  ::close(fd);
}

void rename_folder(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  throw Error(Code::kResource, to, format("cannot rename the finished checkpoint into place: {}", std::strerror(errno)));
}

void fill_folder(const std::string& path, const CheckpointContent& content) {
  for (const auto& [name, bytes] : content.files) write_file_atomic(path + "/" + name, bytes);
  write_tensors(path + "/" + content.model_file, content.model);
  write_tensors(path + "/" + kOptimizer, content.optimizer);
  const Json state = {{"format", kFormat}, {"step", content.step}, {"config", content.config}, {"trainer", content.state}};
  write_file_atomic(path + "/" + kState, state.dump(1) + "\n");
  write_file_atomic(path + "/" + kManifest, manifest_of(path, content).dump(1) + "\n");
}

void delete_older(const std::string& dir, std::int64_t keep_last) {
  if (keep_last <= 0) return;
  std::vector<std::int64_t> steps = checkpoint_steps(dir);
  const std::size_t keep = static_cast<std::size_t>(keep_last);
  for (std::size_t i = 0; i + keep < steps.size(); ++i) {
    // Renamed first, so that a kill in the middle of the deletion cannot leave half a checkpoint under a good name.
    const std::string old = dir + "/" + step_name(steps[i]), doomed = format("{}.tmp.{}", old, ::getpid());
    std::error_code error;
    fs::rename(old, doomed, error);
    if (!error) fs::remove_all(doomed, error);
    if (error) log_warning(format("{}: could not be deleted: {}", old, error.message()));
  }
}

// ---- reading

[[noreturn]] void corrupt(const std::string& path, const std::string& what) {
  throw Error(Code::kCorrupt, path, what, "resume from an earlier checkpoint");
}

Json verified_manifest(const std::string& path) {
  const std::string where = path + "/" + kManifest;
  const Json manifest = read_json(where);
  if (json_need<int>(manifest, "format", where) != kFormat) corrupt(where, "was written by another version of this program");
  std::vector<std::string> names;
  for (const Json& file : json_need<Json>(manifest, "files", where)) {
    const auto name = json_need<std::string>(file, "name", where);
    if (name.empty() || name.find('/') != name.npos) corrupt(where, "names a file outside the checkpoint");
    const auto map = MappedFile::open(path + "/" + name);
    if (map->bytes().size() != json_need<std::uint64_t>(file, "bytes", where))
      corrupt(path, name + " has another size than the manifest says");
    if (sha256_hex(map->bytes()) != json_need<std::string>(file, "sha256", where))
      corrupt(path, name + " has another hash than the manifest says");
    names.push_back(name);
  }
  const auto listed = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  for (const char* needed : {kOptimizer, kState})
    if (!listed(needed)) corrupt(path, format("the manifest does not list {}", needed));
  if (!listed(kModel) && !listed(hf::kAdapterWeights)) corrupt(path, format("the manifest does not list {}", kModel));
  return manifest;
}

TensorMap read_tensors(const std::string& path) {
  const hf::SafeTensors file = hf::SafeTensors::open(path);
  TensorMap out;
  for (const hf::TensorView& view : file.tensors()) {
    if (view.dtype != hf::DType::kF32) corrupt(path, format("tensor {} is not float32", view.name));
    at::Tensor tensor = at::empty(view.shape, at::kFloat);
    if (!view.bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    out[view.name] = std::move(tensor);
  }
  return out;
}

}  // namespace

std::string config_hash(const Json& config) {
  return "sha256:" + sha256_hex(config.dump());
}

std::string save_checkpoint(const std::string& dir, const CheckpointContent& content, std::int64_t keep_last) {
  fs::create_directories(dir);
  check_space(dir, content);
  const std::string path = dir + "/" + step_name(content.step), temporary = format("{}.tmp.{}", path, ::getpid());
  std::error_code ignored;
  try {
    fs::remove_all(temporary);
    fs::create_directory(temporary);
    fill_folder(temporary, content);
    if (fs::exists(path)) {  // a broken one of the same step, or one from before a resume further back
      rename_folder(path, format("{}.old.tmp.{}", path, ::getpid()));
    }
    rename_folder(temporary, path);
  } catch (const fs::filesystem_error& e) {
    fs::remove_all(temporary, ignored);
    throw Error(Code::kResource, path, e.code().message(), "choose an output_dir you may write to");
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
  sync_folder(dir);
  fs::remove_all(format("{}.old.tmp.{}", path, ::getpid()), ignored);
  write_file_atomic(dir + "/latest", step_name(content.step) + "\n");
  delete_older(dir, keep_last);
  return path;
}

std::vector<std::int64_t> checkpoint_steps(const std::string& dir) {
  std::vector<std::int64_t> steps;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored))
    if (const auto step = parse_step(entry.path().filename()); step && entry.is_directory()) steps.push_back(*step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

CheckpointContent load_checkpoint(const std::string& path) {
  if (!fs::is_directory(path)) throw Error(Code::kNotFound, path, "no such checkpoint folder", "give a step-<N> folder, auto or none");
  const Json manifest = verified_manifest(path);
  const std::string where = path + "/" + kState;
  const Json state = read_json(where);
  CheckpointContent content;
  content.step = json_need<std::int64_t>(state, "step", where);
  content.config = json_need<Json>(state, "config", where);
  content.state = json_need<Json>(state, "trainer", where);
  if (content.step < 0 || content.step != json_need<std::int64_t>(manifest, "step", path))
    corrupt(path, "state.json and manifest.json disagree on the step");
  for (const Json& file : manifest["files"])
    if (file["name"] == hf::kAdapterWeights) content.model_file = hf::kAdapterWeights;
  content.model = read_tensors(path + "/" + content.model_file);
  content.optimizer = read_tensors(path + "/" + kOptimizer);
  return content;
}

std::optional<Found> load_latest_checkpoint(const std::string& dir, std::vector<std::string>& skipped) {
  std::vector<std::int64_t> steps = checkpoint_steps(dir);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const std::string path = dir + "/" + step_name(*step);
    try {
      return Found{path, load_checkpoint(path)};
    } catch (const Error& e) {
      skipped.push_back(format("skipped {}: {}", path, e.what()));
    }
  }
  return std::nullopt;
}

void remove_unfinished(const std::string& dir) {
  std::vector<fs::path> left;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    const std::string name = entry.path().filename();
    const std::size_t mark = name.rfind(".tmp.");  // step-7.tmp.123, latest.tmp.123
    if (mark != name.npos && mark + 5 < name.size() && name.find_first_not_of("0123456789", mark + 5) == name.npos)
      left.push_back(entry.path());
  }
  for (const fs::path& path : left) fs::remove_all(path, ignored);
}

}  // namespace beholder::train
