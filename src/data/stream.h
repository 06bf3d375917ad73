// Preference records one after another, from whatever they are stored in. Reading is bounded in memory; what cannot be used is
// a value that says why, so that one bad row never ends a run of millions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "data/record.h"

namespace beholder::data {

// What became of one line (or row): a record, or why not.
struct Line {
  std::int64_t number = 0;  // 1-based, in its file
  std::optional<Record> record;
  std::string error;  // "file:12: …"; empty where there is a record
};

// What a reader saw besides records. Nothing is left out without being counted here or being a line with an error.
struct Notes {
  std::map<std::string, std::int64_t> counts;  // "no label" -> rows
  std::set<std::string> unknown_columns;
  std::map<std::string, std::int64_t> files;    // file -> lines it gave
  std::map<std::string, std::string> left_out;  // file -> why it was not read
};

class RecordStream {
 public:
  virtual ~RecordStream() = default;
  // Nothing at the end.
  virtual std::optional<Line> next() = 0;
  // Lines handed out or skipped so far: a later stream over the same source that skips as many goes on from here.
  virtual std::int64_t position() const = 0;
  virtual void skip(std::int64_t lines) {
    for (; lines > 0 && next(); --lines) {
    }
  }
  virtual Notes notes() const { return {}; }
};

}  // namespace beholder::data
