// The results of a long run, one JSON object a line, on stdout or in a file that a stopped run can continue. Each line is
// written whole and flushed, so that whatever ends the program costs at most the line being written, and that one is
// dropped when the run goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace beholder::app {

class JsonlOut {
 public:
  // `path` "" or "-": stdout. A file is opened at once, so that one that cannot be written is found before the work
  // starts (kResource). A file with content needs `resume`, else kUsage: results are not overwritten. `before` gets the results that stand
  // in it; of them only 16 bytes each are held.
  JsonlOut(std::string path, bool resume, const std::function<void(const Json&)>& before = {});
  ~JsonlOut();
  JsonlOut(const JsonlOut&) = delete;
  JsonlOut& operator=(const JsonlOut&) = delete;

  // True when the file held a whole line with this key when it was opened: its "id", or "line N" for an input line
  // that could not be read. A key that stands there twice answers true twice.
  bool take_done(const std::string& key);
  bool is_done(const std::string& key) const;  // whether take_done would say so
  static std::string line_key(std::int64_t line);
  // kResource when the line cannot be written.
  void write(const Json& record);

  // What the file held when it was opened: results, those with an error, and media that were skipped.
  struct Before {
    std::int64_t done = 0, failed = 0, skipped_media = 0;
  };
  const Before& before() const { return before_; }
  bool is_file() const { return !path_.empty() && path_ != "-"; }
  const std::string& path() const { return path_; }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // two hashes: no two of millions of keys share both
  static Key hash_of(std::string_view key);
  std::optional<std::size_t> place_of(const std::string& key) const;  // in done_, of one not taken
  void read_done(const std::function<void(const Json&)>& before);
  [[noreturn]] void not_ours(std::int64_t line) const;
  [[noreturn]] void fail(const char* what) const;
  std::string path_;
  int fd_ = 1;
  std::vector<Key> done_;    // sorted
  std::vector<bool> taken_;  // by place in done_
  Before before_;
};

}  // namespace beholder::app
