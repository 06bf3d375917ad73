// Lines of a text without ever holding more than the limit of one.
#pragma once

#include <cstddef>
#include <istream>
#include <string>

namespace beholder::data {

inline constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

struct TextLine {
  std::string text;       // without the newline; cut at the limit
  bool too_long = false;  // it was cut
};

// Reads up to the next newline, all of it. False at the end.
bool read_text_line(std::istream& stream, TextLine& line);

}  // namespace beholder::data
