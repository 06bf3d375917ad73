#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/format.h"

namespace beholder {
namespace fs = std::filesystem;
namespace {

std::atomic<int> g_fail_after{0};
std::atomic<int> g_fail_errno{0};

// True when the fault injector wants this call to fail; sets errno as the system would.
bool injected() {
  if (g_fail_after.load() == 0 || g_fail_after.fetch_sub(1) != 1) return false;
  errno = g_fail_errno.load();
  return true;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

[[noreturn]] void throw_write(const std::string& path, const char* step) {
  const int error = errno;
  std::string fix = "check the path and the disk";
  if (error == ENOSPC || error == EDQUOT) fix = "free some disk space, or write somewhere else";
  if (error == EACCES || error == EPERM || error == EROFS) fix = "choose a folder you may write to";
  throw Error(Code::kResource, path, format("cannot {}: {}", step, std::strerror(error)), fix);
}

[[noreturn]] void throw_open(const std::string& path) {
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) throw Error(Code::kNotFound, path, "no such file", "check the path");
  throw Error(Code::kInvalidInput, path, format("cannot be read: {}", std::strerror(error)), "check its permissions and the disk");
}

void write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = injected() ? -1 : ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_write(path, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_folder(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  Fd folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());  // some file systems refuse this; the rename itself has happened
}

}  // namespace

void inject_write_failure(int nth, int error) {
  g_fail_errno = error;
  g_fail_after = nth;
}

std::string read_file(const std::string& path, std::uint64_t limit_bytes) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_open(path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) throw_open(path);
  if (S_ISDIR(info.st_mode)) throw Error(Code::kInvalidInput, path, "is a folder, not a file", "name a file");
  std::string bytes;
  char block[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_open(path);
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(n) > limit_bytes)
      throw Error(Code::kResource, path, format("is larger than the limit of {} bytes", limit_bytes), "check that this is the right file");
    if (bytes.empty() && S_ISREG(info.st_mode)) bytes.reserve(static_cast<std::size_t>(info.st_size));
    bytes.append(block, static_cast<std::size_t>(n));
  }
}

void write_file_atomic(const std::string& path, const std::function<void(const std::function<void(std::string_view)>&)>& fill) {
  std::error_code ignored;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) fs::create_directories(parent, ignored);
  const std::string temporary = format("{}.tmp.{}", path, ::getpid());
  try {
    Fd fd(injected() ? -1 : ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) throw_write(path, "create");
    fill([&](std::string_view piece) { write_all(fd.get(), piece, path); });
    if (injected() || ::fsync(fd.get()) != 0) throw_write(path, "sync");
    if (injected() || ::rename(temporary.c_str(), path.c_str()) != 0) throw_write(path, "rename into place");
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(path);
}

void write_file_atomic(const std::string& path, std::string_view bytes) {
  write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) { sink(bytes); });
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "beholder-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw_write(pattern, "create a temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw_open(path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) throw_open(path);
  if (!S_ISREG(info.st_mode)) throw Error(Code::kInvalidInput, path, "is not a regular file", "name a file on disk");
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->size_ = static_cast<std::size_t>(info.st_size);
  if (file->size_ == 0) return file;
  void* data = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED)
    throw Error(Code::kResource, path, format("cannot be mapped: {}", std::strerror(errno)),
                "free some memory, or raise its limit (ulimit -v)");
  file->data_ = static_cast<const std::byte*>(data);
  return file;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace beholder
