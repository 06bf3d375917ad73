#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "core/format.h"
#include "core/lines.h"
#include "data/rows.h"

namespace beholder::data {
namespace {

constexpr std::size_t kMaxElementBytes = std::size_t{64} << 20;
constexpr int kEnd = std::char_traits<char>::eof();

// The text with null in place of the numbers that Python's json writes and JSON does not have.
std::string without_nan(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {  // a string, as it is
      const std::size_t begin = i++;
      while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
      out += text.substr(begin, ++i - begin);
      continue;
    }
    const std::string_view rest = std::string_view(text).substr(i);
    const std::size_t length = rest.starts_with("-Infinity") ? 9 : rest.starts_with("Infinity") ? 8 : rest.starts_with("NaN") ? 3 : 0;
    out += length > 0 ? "null" : std::string(1, text[i]);
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

// One object, or why it is none.
RowResult object_row(const std::string& text, const std::string& where) {
  const bool strange = text.find("NaN") != std::string::npos || text.find("Infinity") != std::string::npos;
  try {
    Row row = parse_json(strange ? without_nan(text) : text, where);
    if (row.is_object()) return {std::move(row), {}};
    return {{}, where + ": is not a JSON object"};
  } catch (const Error& e) {
    return {{}, e.what()};
  }
}

// Cuts a JSON text into the elements of its list without holding more than one of them.
class JsonListRows : public RowReader {
 public:
  JsonListRows(std::unique_ptr<std::istream> stream, std::string name) : stream_(std::move(stream)), name_(std::move(name)) {}

  std::optional<RowResult> next() override {
    if (!begun_) begin();
    if (done_) return std::nullopt;
    int c = skip_space();
    if (c == ',' && rows_ > 0) c = (get(), skip_space());
    if (c == ']') {
      done_ = true;
      return std::nullopt;
    }
    const std::string where = format("{}[{}]", name_, rows_++), text = value_text();
    if (text.empty()) corrupt(format("is not valid JSON behind element {}", rows_ - 2));
    return object_row(text, where);
  }

 private:
  int peek() const { return stream_->rdbuf()->sgetc(); }
  int get() { return stream_->rdbuf()->sbumpc(); }
  int skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') get();
    return peek();
  }
  [[noreturn]] void corrupt(const std::string& what) const { throw Error(Code::kCorrupt, name_, what, "download or write the file again"); }

  // Up to the first element: of the list itself, or of the first list among an object's values.
  void begin() {
    begun_ = true;
    if (peek() == 0xEF) get(), get(), get();  // a byte order mark
    int c = skip_space();
    if (c == '{') {
      get();
      while (true) {
        if (skip_space() == ',') get();
        if (skip_space() != '"') corrupt("holds no list of objects");
        value_text();
        if (skip_space() != ':') corrupt("is not valid JSON");
        get();
        if ((c = skip_space()) == '[') break;
        value_text();
      }
    }
    if (c != '[') corrupt(c == kEnd ? "is empty" : "is not a list of objects");
    get();
  }

  void read_string(std::string& text) {
    text.push_back(static_cast<char>(get()));
    for (int c = get();; c = get()) {
      if (c == kEnd) corrupt(format("ends in the middle of element {}", rows_));
      text.push_back(static_cast<char>(c));
      if (text.size() > kMaxElementBytes) corrupt(format("element {} is longer than {} bytes", rows_, kMaxElementBytes));
      if (c == '"') return;
      if (c == '\\') text.push_back(static_cast<char>(get()));
    }
  }

  // The text of one value, up to (not with) the comma or bracket behind it.
  std::string value_text() {
    std::string text;
    int depth = 0;
    while (true) {
      const int c = peek();
      if (c == kEnd) corrupt(format("ends in the middle of element {}", rows_));
      if (c == '"') {
        read_string(text);
        if (depth == 0) return text;
        continue;
      }
      const bool closes = c == '}' || c == ']';
      if (depth == 0 && (closes || c == ',' || c == ':' || (!text.empty() && c <= ' '))) return text;
      depth += c == '{' || c == '[' ? 1 : closes ? -1 : 0;
      text.push_back(static_cast<char>(get()));
      if (text.size() > kMaxElementBytes) corrupt(format("element {} is longer than {} bytes", rows_, kMaxElementBytes));
      if (closes && depth == 0) return text;
    }
  }

  std::unique_ptr<std::istream> stream_;
  std::string name_;
  std::int64_t rows_ = 0;
  bool begun_ = false, done_ = false;
};

class JsonLineRows : public RowReader {
 public:
  JsonLineRows(std::unique_ptr<std::istream> stream, std::string name) : lines_(std::move(stream), std::move(name)) {}

  std::optional<RowResult> next() override {
    const std::optional<TextLine> line = lines_.next();
    if (!line) return std::nullopt;
    const std::string where = lines_.where();
    if (line->too_long) return RowResult{{}, format("{}: the line is longer than {} bytes", where, LineReader::kMaxBytes)};
    return object_row(line->text, where);
  }

 private:
  LineReader lines_;
};

}  // namespace

std::unique_ptr<RowReader> open_json_list(std::unique_ptr<std::istream> stream, std::string name) {
  return std::make_unique<JsonListRows>(std::move(stream), std::move(name));
}

std::unique_ptr<RowReader> open_json_lines(std::unique_ptr<std::istream> stream, std::string name) {
  return std::make_unique<JsonLineRows>(std::move(stream), std::move(name));
}

}  // namespace beholder::data
