#include "app/jsonl_out.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/rng.h"

namespace beholder::app {

JsonlOut::JsonlOut(std::string path, bool resume, const std::function<void(const Json&)>& before) : path_(std::move(path)) {
  if (!is_file()) {
    if (resume) throw Error(Code::kUsage, "--resume", "there is no file to continue", "name it with --out FILE");
    return;
  }
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) fail("cannot be opened for writing");
  struct stat info{};
  if (::fstat(fd_, &info) != 0) fail("cannot be looked at");
  if (!S_ISREG(info.st_mode) || info.st_size == 0) return;
  if (!resume) {
    ::close(std::exchange(fd_, -1));
    throw Error(Code::kUsage, path_, "it holds results already", "give --resume to continue that run, or another --out");
  }
  read_done(before);
}

JsonlOut::~JsonlOut() {
  if (is_file() && fd_ >= 0) ::close(fd_);
}

// Collects the keys of whole lines and cuts off what follows the last newline.
void JsonlOut::read_done(const std::function<void(const Json&)>& before) {
  std::ifstream in(path_, std::ios::binary);
  std::string line;
  std::int64_t whole = 0, number = 0;
  while (std::getline(in, line) && !in.eof()) {
    ++number;
    whole += std::ssize(line) + 1;
    const Json record = parse_json(line, format("{}:{}", path_, number));
    if (!record.is_object()) not_ours(number);
    const std::string id = json_get<std::string>(record, "id", "", path_);
    const auto input_line = json_get<std::int64_t>(record, "line", 0, path_);
    done_.push_back(hash_of(id.empty() && input_line > 0 ? line_key(input_line) : id));
    ++before_.done;
    if (record.contains("error")) ++before_.failed;
    if (record.contains("skipped")) before_.skipped_media += std::ssize(record["skipped"]);
    if (before) before(record);
  }
  std::sort(done_.begin(), done_.end());
  taken_.assign(done_.size(), false);
  if (!line.empty() && line[0] != '{' && line[0] != '\0') not_ours(number + 1);  // zeros: what a power cut may leave of a line
  struct stat info{};
  if (::fstat(fd_, &info) == 0 && info.st_size > whole) {
    log_warning(format("{}: dropped a half-written last line ({} bytes)", path_, info.st_size - whole));
  }
  if (::ftruncate(fd_, whole) != 0 || ::lseek(fd_, 0, SEEK_END) < 0) fail("cannot be continued");
}

void JsonlOut::not_ours(std::int64_t line) const {
  throw Error(Code::kCorrupt, format("{}:{}", path_, line), "not a result of this program", "give another --out");
}

std::string JsonlOut::line_key(std::int64_t line) {
  return format("line {}", line);
}

JsonlOut::Key JsonlOut::hash_of(std::string_view key) {
  return {stable_hash(key), stable_hash(format("other {}", key))};
}

std::optional<std::size_t> JsonlOut::place_of(const std::string& key) const {
  const Key hash = hash_of(key);
  for (auto it = std::lower_bound(done_.begin(), done_.end(), hash); it != done_.end() && *it == hash; ++it) {
    const auto place = static_cast<std::size_t>(it - done_.begin());
    if (!taken_[place]) return place;
  }
  return std::nullopt;
}

bool JsonlOut::take_done(const std::string& key) {
  const std::optional<std::size_t> place = place_of(key);
  if (place) taken_[*place] = true;
  return place.has_value();
}

bool JsonlOut::is_done(const std::string& key) const {
  return place_of(key).has_value();
}

void JsonlOut::write(const Json& record) {
  const std::string line = json_line(record) + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t n = ::write(fd_, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    at += static_cast<std::size_t>(n);
  }
}

void JsonlOut::fail(const char* what) const {
  const std::string name = is_file() ? path_ : "standard output";
  throw Error(Code::kResource, name, format("{}: {}", what, std::strerror(errno)), "check the folder, its permissions and the free space");
}

}  // namespace beholder::app
