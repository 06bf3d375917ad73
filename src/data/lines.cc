#include "data/lines.h"

namespace beholder::data {

bool read_text_line(std::istream& stream, TextLine& line) {
  constexpr int kEnd = std::char_traits<char>::eof();
  line.text.clear();
  line.too_long = false;
  std::streambuf* buffer = stream.rdbuf();
  bool any = false;
  for (int c = buffer->sbumpc(); c != kEnd; c = buffer->sbumpc()) {
    any = true;
    if (c == '\n') break;
    if (line.text.size() < kMaxLineBytes)
      line.text.push_back(static_cast<char>(c));
    else
      line.too_long = true;
  }
  return any;
}

}  // namespace beholder::data
