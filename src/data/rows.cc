#include "data/rows.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "core/error.h"
#include "core/lines.h"

namespace beholder::data {
namespace {

std::string extension_of(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

constexpr std::int64_t kLongestLine = std::int64_t{16} << 20;

// Whether the first line is a whole object and another one begins behind it. Looks at a line at most, and goes back.
bool has_object_lines(std::istream& stream) {
  std::streambuf& in = *stream.rdbuf();
  int depth = 0, c = in.sgetc();
  bool quoted = false, begun = false;
  for (std::int64_t n = 0; n < kLongestLine && c != EOF; ++n, c = in.snextc()) {
    if (begun && (depth == 0 || c == '\n')) break;
    if (!begun && c != '{' && c != 0xEF && c != 0xBB && c != 0xBF && c > ' ') break;  // a byte order mark may come first
    begun = begun || c == '{';
    if (quoted && c == '\\')
      in.snextc();
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted)
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
  }
  while (begun && depth == 0 && c != EOF && c <= ' ') c = in.snextc();
  stream.clear();
  stream.seekg(0);
  return begun && depth == 0 && c == '{';
}

std::unique_ptr<RowReader> open_text(std::unique_ptr<std::istream> stream, const std::string& name) {
  const std::string extension = extension_of(name);
  if (extension == ".csv") return open_csv(std::move(stream), name);
  if (extension == ".json" && !has_object_lines(*stream)) return open_json_list(std::move(stream), name);
  return open_json_lines(std::move(stream), name);
}

}  // namespace

bool is_table_path(const std::string& path) {
  constexpr std::array<std::string_view, 7> kTables{".parquet", ".arrow", ".feather", ".json", ".jsonl", ".ndjson", ".csv"};
  return std::find(kTables.begin(), kTables.end(), extension_of(path)) != kTables.end();
}

std::unique_ptr<RowReader> open_rows(const std::string& path) {
  const std::string extension = extension_of(path);
  if (extension == ".parquet") return open_parquet(path);
  if (extension == ".arrow" || extension == ".feather") return open_arrow(path);
  if (!is_table_path(path))
    throw Error(Code::kUnsupported, path, "is no table of records", "name a .parquet, .arrow, .json, .jsonl or .csv file, or the folder");
  return open_text(open_stream(path), path);
}

std::unique_ptr<RowReader> open_text_rows(std::string text, const std::string& name) {
  return open_text(std::make_unique<std::istringstream>(std::move(text)), name);
}

}  // namespace beholder::data
