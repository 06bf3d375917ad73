#include "train/run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "train/tensorboard.h"

namespace beholder::train {
namespace fs = std::filesystem;
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void append(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw Error(Code::kResource, path, format("cannot append: {}", std::strerror(errno)), "free some disk space and resume the run");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

int open_append(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw Error(Code::kResource, path, format("cannot be opened: {}", std::strerror(errno)), "choose another output_dir");
  return fd;
}

// Bytes of the whole lines whose step is not above `last_step`.
std::size_t lines_prefix(std::string_view file, std::int64_t last_step) {
  std::size_t at = 0;
  while (true) {
    const std::size_t end = file.find('\n', at);
    if (end == file.npos) return at;
    const Json line = Json::parse(file.substr(at, end - at), nullptr, /*allow_exceptions=*/false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) return at;
    if (line["step"].get<std::int64_t>() > last_step) return at;
    at = end + 1;
  }
}

std::string events_path_in(const std::string& dir) {
  std::string newest;
  for (const auto& entry : fs::directory_iterator(dir)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("events.out.tfevents.") && name > newest) newest = name;
  }
  return dir + "/" + (newest.empty() ? events_file_name(now()) : newest);
}

void cut(const std::string& path, std::size_t (*prefix)(std::string_view, std::int64_t), std::int64_t last_step) {
  if (!fs::exists(path)) return;
  const std::string old = read_file(path);
  const std::size_t keep = last_step < 0 ? 0 : prefix(old, last_step);
  if (keep != old.size()) write_file_atomic(path, std::string_view(old).substr(0, keep));
}

}  // namespace

std::string tensorboard_tag(std::string_view metric) {
  constexpr std::string_view kEval = "eval_";
  return metric.starts_with(kEval) ? "eval/" + std::string(metric.substr(kEval.size())) : "train/" + std::string(metric);
}

FileRunLog::FileRunLog(const std::string& dir, std::int64_t resume_step) {
  fs::create_directories(dir);
  metrics_path_ = dir + "/metrics.jsonl";
  events_path_ = events_path_in(dir);
  cut(metrics_path_, lines_prefix, resume_step);
  cut(events_path_, events_prefix, resume_step);
  metrics_fd_ = open_append(metrics_path_);
  events_fd_ = open_append(events_path_);
  if (fs::file_size(events_path_) == 0) append(events_fd_, version_record(now()), events_path_);
}

FileRunLog::~FileRunLog() {
  if (metrics_fd_ >= 0) ::close(metrics_fd_);
  if (events_fd_ >= 0) ::close(events_fd_);
}

void FileRunLog::log(std::int64_t step, const Metrics& metrics) {
  const double time = now();
  Json line = {{"step", step}, {"time", time}};
  std::string events;
  for (const auto& [name, value] : metrics) {
    line[name] = std::isfinite(value) ? Json(value) : Json(nullptr);
    events += scalar_record(time, step, tensorboard_tag(name), static_cast<float>(value));
  }
  append(metrics_fd_, json_line(line) + "\n", metrics_path_);
  append(events_fd_, events, events_path_);
}

void FileRunLog::sync() {
  for (const int fd : {metrics_fd_, events_fd_})
    if (::fsync(fd) != 0 && errno != EINVAL) throw Error(Code::kResource, metrics_path_, format("cannot sync: {}", std::strerror(errno)));
}

}  // namespace beholder::train
