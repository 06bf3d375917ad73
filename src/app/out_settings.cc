#include "app/out_settings.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "hf/peft.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kEndBytes = std::size_t{1} << 20;  // of each end of a large file

std::string file_mark(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (bytes.size() <= 2 * kEndBytes) return sha256_hex(bytes);
  return sha256_hex(bytes.first(kEndBytes)) + sha256_hex(bytes.last(kEndBytes));
}

}  // namespace

std::string checkpoint_mark(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    const std::string kind = it->path().extension().string();
    if (it->is_regular_file(error) && (kind == ".safetensors" || kind == ".json" || kind == ".jinja"))
      names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) {
    const std::string path = (fs::path(dir) / name).string();
    all += format("{} {} {}\n", name, fs::file_size(path, error), file_mark(path));
  }
  if (const std::string base = hf::base_model_dir(dir); base != dir) all += "base " + checkpoint_mark(base);
  return sha256_hex(all);
}

std::string named_mark(const std::string& dir) {
  return format("{} ({})", fs::path(dir).filename().string(), checkpoint_mark(dir).substr(0, 16));
}

void keep_settings(const std::string& out, const std::function<Json()>& settings, bool continued) {
  if (!fs::is_regular_file(out)) return;  // a pipe or a device
  const std::string path = out + ".settings";
  if (!continued) return write_file_atomic(path, settings().dump(1) + "\n");
  if (!fs::exists(path))
    return log_warning(
        format("{}: what its results were made with is not known ({} is missing): model and settings are not compared", out, path));
  const Json kept = read_json(path);
  const Json ours = settings();
  for (const auto& [key, value] : ours.items())
    if (!kept.contains(key) || kept[key] != value)
      throw Error(Code::kUsage, out,
                  format("its results were made with another {}: {}, not {}", key, kept.contains(key) ? json_line(kept[key]) : "none",
                         json_line(value)),
                  "give the flags of that run, or another --out");
}

}  // namespace beholder::app
