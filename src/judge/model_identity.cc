#include "judge/model_identity.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "hf/peft.h"

namespace beholder::judge {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSmallBytes = 1 << 20;  // hashed every time

std::vector<std::string> checkpoint_files(const std::string& dir) {
  constexpr std::array<std::string_view, 4> kKinds{".safetensors", ".json", ".jinja", ".txt"};
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error))
    if (std::find(kKinds.begin(), kKinds.end(), it->path().extension().string()) != kKinds.end() && it->is_regular_file(error))
      names.push_back(it->path().filename().string());
  if (names.empty()) throw Error(Code::kNotFound, dir, "holds no files of a checkpoint", "name a folder in the Hub's layout with --model");
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string content_digest(const std::string& path) {
  const auto file = MappedFile::open(path);
  return sha256_hex(file->bytes());
}

std::string file_digest(const std::string& path, ResultCache& digests) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) throw Error(Code::kResource, path, std::strerror(errno), "check its permissions");
  if (info.st_size <= kSmallBytes) return sha256_hex(read_file(path));
  const std::string key = ResultCache::key_of({{"file", fs::weakly_canonical(path).string()},
                                               {"bytes", info.st_size},
                                               {"device", info.st_dev},
                                               {"inode", info.st_ino},
                                               {"modified", nanoseconds(info.st_mtim)},
                                               {"changed", nanoseconds(info.st_ctim)}});
  if (const std::optional<Json> known = digests.find(key); known && known->is_string()) return known->get<std::string>();
  if (info.st_size > std::int64_t{1} << 30)
    log_info(format("cache: reading {} ({}) once, to know its content", path, human_bytes(static_cast<std::uint64_t>(info.st_size))));
  std::string digest = content_digest(path);
  digests.put(key, digest);
  return digest;
}

}  // namespace

std::string model_identity(const std::string& dir, ResultCache& digests) {
  std::string all;
  for (const std::string& name : checkpoint_files(dir))
    all += format("{} {}\n", name, file_digest((fs::path(dir) / name).string(), digests));
  if (const std::string base = hf::base_model_dir(dir); base != dir) all += "base " + model_identity(base, digests) + "\n";
  return sha256_hex(all);
}

}  // namespace beholder::judge
