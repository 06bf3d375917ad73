// Answers that cost much to find, kept in a folder under keys that name everything they depend on. One file, entries.jsonl, that is
// only ever appended to: {"key":sha256,"sum":…,"value":…} a line. Many programs may share the folder: an entry is appended as a
// whole under a lock. One thread at a time.
//
// Nothing in it is believed unseen: an entry that is damaged (a cut line, a sum that does not fit) is a miss and counted, and is written
// anew when its value has been found again. Memory: about 100 bytes per entry; values stay in the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/json.h"

namespace beholder {

class ResultCache {
 public:
  // Makes the folder. What others append later is not seen. kResource where the file cannot be read and written.
  explicit ResultCache(const std::string& folder);
  ~ResultCache();
  ResultCache(const ResultCache&) = delete;
  ResultCache& operator=(const ResultCache&) = delete;

  // The key of everything that a value depends on.
  static std::string key_of(const Json& all);

  // The value put last under `key` (64 hex digits). Of damaged entries the first is warned about.
  std::optional<Json> find(const std::string& key);
  // kResource when it cannot be written.
  void put(const std::string& key, const Json& value);

  std::int64_t size() const { return std::ssize(places_); }
  std::int64_t damaged() const { return damaged_; }  // so far
  const std::string& path() const { return path_; }

 private:
  struct Place {
    std::int64_t offset = 0;
    std::int64_t bytes = 0;
  };
  void index();
  void note_line(std::string_view line, std::int64_t offset);
  void note_damage(std::int64_t offset);
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  int fd_ = -1;
  std::unordered_map<std::string, Place> places_;  // by key
  std::int64_t damaged_ = 0;
};

}  // namespace beholder
