// The lines of a text file or stream, for formats with one record a line. Streams; never holds more than the limit of one line.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>

namespace beholder {

struct TextLine {
  std::int64_t number = 0;  // 1-based
  std::string text;         // without the newline; cut off where it is too long
  bool too_long = false;    // more than LineReader::kMaxBytes
};

// A file to read from. kNotFound where there is none, kInvalidInput for a folder.
std::unique_ptr<std::istream> open_stream(const std::string& path);

class LineReader {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

  // kNotFound where there is no such file, kInvalidInput for a folder.
  explicit LineReader(const std::string& path);
  // A stream of one's own, e.g. a file inside an archive.
  LineReader(std::unique_ptr<std::istream> stream, std::string name);
  // Any stream, e.g. standard input; `name` stands in errors.
  LineReader(std::istream& stream, std::string name);

  // The next line that is not blank, nothing at the end. A byte order mark before the first line is left out.
  std::optional<TextLine> next();
  const std::string& name() const { return name_; }
  std::string where() const;  // "file:12", the line that next() gave last

 private:
  bool read(TextLine& line);
  std::unique_ptr<std::istream> owned_;
  std::istream* stream_;
  std::string name_;
  std::int64_t number_ = 0;
};

}  // namespace beholder
