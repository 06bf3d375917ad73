#include "core/result_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/sha256.h"

namespace beholder {
namespace {

constexpr std::string_view kHead = "{\"key\":\"";
constexpr std::size_t kKeyDigits = 64, kSumDigits = 16;

std::string sum_of(std::string_view key, std::string_view value) {
  return sha256_hex(format("{} {}", key, value)).substr(0, kSumDigits);
}

bool is_key(std::string_view key) {
  return key.size() == kKeyDigits && key.find_first_not_of("0123456789abcdef") == key.npos;
}

// Held while an entry is appended.
class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() { ::flock(fd_, LOCK_UN); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace

ResultCache::ResultCache(const std::string& folder) : path_(folder + "/entries.jsonl") {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) fail("cannot be opened for reading and writing");
  index();
}

ResultCache::~ResultCache() {
  if (fd_ >= 0) ::close(fd_);
}

std::string ResultCache::key_of(const Json& all) {
  return sha256_hex(json_line(all));
}

void ResultCache::index() {
  std::ifstream in(path_, std::ios::binary);
  std::int64_t offset = 0;
  for (std::string line; std::getline(in, line); offset += std::ssize(line) + 1) note_line(line, offset);
}

// Only looks where the key is; the rest is read when it is asked for.
void ResultCache::note_line(std::string_view line, std::int64_t offset) {
  if (line.empty()) return;
  const std::string_view key = line.size() > kHead.size() + kKeyDigits ? line.substr(kHead.size(), kKeyDigits) : std::string_view();
  if (!line.starts_with(kHead) || !is_key(key) || !line.ends_with('}')) return note_damage(offset);
  places_[std::string(key)] = {offset, std::ssize(line)};
}

void ResultCache::note_damage(std::int64_t offset) {
  if (damaged_++ == 0) log_warning(format("{}: a damaged entry at byte {} is left out; what it held is found anew", path_, offset));
}

std::optional<Json> ResultCache::find(const std::string& key) {
  const auto found = places_.find(key);
  if (found == places_.end()) return std::nullopt;
  const Place place = found->second;
  std::string line(static_cast<std::size_t>(place.bytes), '\0');
  const ssize_t n = ::pread(fd_, line.data(), line.size(), place.offset);
  Json entry = n == place.bytes ? Json::parse(line, nullptr, /*allow_exceptions=*/false) : Json();
  if (entry.is_object() && entry.contains("key") && entry["key"] == key && entry.contains("value") && entry.contains("sum") &&
      entry["sum"] == sum_of(key, json_line(entry["value"])))
    return std::move(entry["value"]);
  note_damage(place.offset);
  places_.erase(found);
  return std::nullopt;
}

void ResultCache::put(const std::string& key, const Json& value) {
  require_internal(is_key(key), "a key of the cache has 64 hex digits");
  const std::string text = json_line(value);
  std::string line = format("{}{}\",\"sum\":\"{}\",\"value\":{}}}", kHead, key, sum_of(key, text), text);
  const std::int64_t bytes = std::ssize(line);
  line += '\n';
  const FileLock lock(fd_);
  std::int64_t end = ::lseek(fd_, 0, SEEK_END);
  char last = '\n';
  if (end > 0 && ::pread(fd_, &last, 1, end - 1) != 1) fail("cannot be read");
  if (last != '\n') {  // a writer that was killed left half a line
    line.insert(line.begin(), '\n');
    ++end;
  }
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t n = ::write(fd_, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    at += static_cast<std::size_t>(n);
  }
  places_[key] = {end, bytes};
}

void ResultCache::fail(const char* what) const {
  throw Error(Code::kResource, path_, format("{}: {}", what, std::strerror(errno)), "check the folder, its permissions and the free space");
}

}  // namespace beholder
