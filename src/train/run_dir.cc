#include "train/run_dir.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fcntl.h>
#include <sys/file.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "core/error.h"
#include "core/format.h"

#ifndef BEHOLDER_VERSION
#define BEHOLDER_VERSION "0.1.0"
#endif

namespace beholder::train {
namespace fs = std::filesystem;
namespace {

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string first_line_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), ::pclose);
  char line[256] = "";
  if (!pipe || !std::fgets(line, sizeof line, pipe.get())) return "";
  return std::string(line, std::strcspn(line, "\r\n"));
}

}  // namespace

RunLock::RunLock(const std::string& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  const std::string path = dir + "/.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw Error(Code::kResource, dir, format("cannot be used as output_dir: {}", std::strerror(errno)), "choose a folder you may write to");
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  throw Error(Code::kUsage, dir, "another process is training in this folder", "wait for it, stop it, or choose another output_dir");
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);  // closing releases the lock
}

std::string git_revision() {
  const std::string source = fs::path(__FILE__).parent_path();
  if (!fs::path(source).is_absolute() || !fs::exists(source)) return "unknown";
  const std::string revision =
      first_line_of("git -C " + shell_quoted(source) + " describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null");
  return revision.empty() ? "unknown" : revision;
}

Json run_record(std::string_view command, const Json& resolved_config, std::int64_t seed) {
  return {{"command", command},
          {"seed", seed},
          {"config", resolved_config},
          {"versions",
           {{"beholder", BEHOLDER_VERSION}, {"git_revision", git_revision()}, {"libtorch", TORCH_VERSION}, {"compiler", __VERSION__}}},
          {"machine", {{"cpu_capability", at::get_cpu_capability()}, {"threads", at::get_num_threads()}}}};
}

}  // namespace beholder::train
