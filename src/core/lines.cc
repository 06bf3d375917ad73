#include "core/lines.h"

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/format.h"

namespace beholder {
std::unique_ptr<std::istream> open_stream(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw Error(Code::kInvalidInput, path, "is a folder, not a file", "name a file in it");
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) throw Error(Code::kNotFound, path, "no such file, or it cannot be read", "check the path");
  return file;
}

LineReader::LineReader(const std::string& path) : owned_(open_stream(path)), stream_(owned_.get()), name_(path) {}

LineReader::LineReader(std::unique_ptr<std::istream> stream, std::string name)
    : owned_(std::move(stream)), stream_(owned_.get()), name_(std::move(name)) {}

LineReader::LineReader(std::istream& stream, std::string name) : stream_(&stream), name_(std::move(name)) {}

bool LineReader::read(TextLine& line) {
  line.text.clear();
  line.too_long = false;
  std::streambuf* buffer = stream_->rdbuf();
  bool any = false;
  for (int c = buffer->sbumpc(); c != std::char_traits<char>::eof(); c = buffer->sbumpc()) {
    any = true;
    if (c == '\n') break;
    if (line.text.size() < kMaxBytes)
      line.text.push_back(static_cast<char>(c));
    else
      line.too_long = true;
  }
  if (any) line.number = ++number_;
  return any;
}

std::optional<TextLine> LineReader::next() {
  TextLine line;
  while (read(line)) {
    if (number_ == 1 && line.text.starts_with("\xEF\xBB\xBF")) line.text.erase(0, 3);  // a byte order mark some editors leave
    if (line.text.find_first_not_of(" \t\r") != std::string::npos) return line;
  }
  return std::nullopt;
}

std::string LineReader::where() const {
  return format("{}:{}", name_, number_);
}

}  // namespace beholder
