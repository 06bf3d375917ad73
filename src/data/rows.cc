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

std::unique_ptr<RowReader> open_text(std::unique_ptr<std::istream> stream, const std::string& name) {
  const std::string extension = extension_of(name);
  if (extension == ".csv") return open_csv(std::move(stream), name);
  if (extension == ".json") return open_json_list(std::move(stream), name);
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
