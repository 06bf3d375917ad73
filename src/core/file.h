// Files: whole reads, atomic durable writes, read-only maps. Writers go through `write_file_atomic`, so a reader (or a
// machine that loses power) sees the old file or the new one, never a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace beholder {

// The whole file. kNotFound, or kResource when it is larger than `limit_bytes`.
std::string read_file(const std::string& path, std::uint64_t limit_bytes = std::uint64_t{1} << 32);

// Writes path.tmp.<pid>, syncs it, renames it over `path`, syncs the folder. On any failure the old file is intact, the
// temporary one is gone, and kResource says why (disk full, no permission…). Makes missing parent folders.
void write_file_atomic(const std::string& path, std::string_view bytes);

// Same protocol for content that is written in pieces: `fill` gets a sink to call as often as it likes.
void write_file_atomic(const std::string& path, const std::function<void(const std::function<void(std::string_view)>&)>& fill);

// A folder for files made by tests and short-lived work; removed with everything in it when this goes out of scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// A read-only memory map; the pages stay valid as long as any copy of the shared_ptr lives.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile() = default;
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Tests only: the n-th following write, sync or rename of write_file_atomic fails with `error` (an errno). 0 switches off.
void inject_write_failure(int nth, int error);

}  // namespace beholder
