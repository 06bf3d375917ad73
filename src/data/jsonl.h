// Files of preference records, one JSON object a line. Reading streams; a bad line is a value that says what is wrong and
// how to mend it, so one of them never ends a run of millions. Keys nobody knows are tolerated and reported once.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/lines.h"
#include "data/record.h"
#include "data/stream.h"

namespace beholder::data {

class RecordReader : public RecordStream {
 public:
  // Media paths are taken relative to the file's folder, of a pipe as they are. kNotFound where there is no such file.
  explicit RecordReader(const std::string& path);
  // Any stream, e.g. standard input; `name` stands in errors, media paths stay as they are.
  RecordReader(std::istream& stream, std::string name);

  // The next line that is not blank; nothing at the end. The first line with an unknown key logs one warning for the file.
  std::optional<Line> next() override;
  std::int64_t position() const override { return records_ + bad_; }
  Notes notes() const override;  // the file's lines and unknown keys

  std::int64_t records() const { return records_; }  // good lines so far
  std::int64_t bad() const { return bad_; }          // bad lines so far
  const std::set<std::string>& unknown_keys() const { return unknown_; }

 private:
  Line parse(const TextLine& text);
  LineReader lines_;
  std::string folder_;
  std::int64_t records_ = 0, bad_ = 0;
  std::set<std::string> unknown_;
};

struct ReadResult {
  std::vector<Record> records;
  std::vector<Line> bad;
};
// The whole file at once.
ReadResult read_records(const std::string& path);

// Atomic: the old file or the whole new one. Media paths are written as they are.
void write_records(const std::string& path, const std::vector<Record>& records);

}  // namespace beholder::data
