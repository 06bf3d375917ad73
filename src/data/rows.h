// Rows of named values out of one file: Parquet, Arrow (what `datasets` saves to disk), a JSON list, JSON lines or CSV. Reading
// streams; what is held at once is a batch of rows. A row is a JSON object; pictures in it are binary values.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::data {

using Row = Json;

// One row, or why it cannot be used while those after it can.
struct RowResult {
  std::optional<Row> row;
  std::string error;
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // Nothing at the end. kCorrupt where the rest of the file cannot be read.
  virtual std::optional<RowResult> next() = 0;
  // Leaves out that many rows; reads them unless the format can do better.
  virtual void skip(std::int64_t rows) {
    for (; rows > 0 && next(); --rows) {
    }
  }
  // How many rows there are, where the file says so without being read.
  virtual std::optional<std::int64_t> rows() const { return std::nullopt; }
};

// kNotFound, kCorrupt; kUnsupported where this build has no Arrow. A list or struct column becomes a list or an object,
// a date its text.
std::unique_ptr<RowReader> open_parquet(const std::string& path);
// Arrow's stream format (`save_to_disk`) or its file format (Feather 2).
std::unique_ptr<RowReader> open_arrow(const std::string& path);

// A list of objects, alone or as the value of a key of one object ({"pairs":[…]}). An element that is not valid JSON is a row
// with an error, as long as its end can be told; NaN and Infinity, which Python writes, are null. `name` stands in errors.
std::unique_ptr<RowReader> open_json_list(std::unique_ptr<std::istream> stream, std::string name);
// One object a line; a bad line is a row with an error.
std::unique_ptr<RowReader> open_json_lines(std::unique_ptr<std::istream> stream, std::string name);
// RFC 4180, the first row names the columns; every value is a text. A row of another width is one with an error.
std::unique_ptr<RowReader> open_csv(std::unique_ptr<std::istream> stream, std::string name);

// By extension: .parquet, .arrow, .feather, .json (where objects stand one a line in it, as JSON lines), .jsonl, .ndjson, .csv.
// kUnsupported for anything else.
std::unique_ptr<RowReader> open_rows(const std::string& path);
// The same for text that is already here, e.g. out of an archive; `name` gives the extension.
std::unique_ptr<RowReader> open_text_rows(std::string text, const std::string& name);
// Whether `path` has one of those extensions.
bool is_table_path(const std::string& path);

}  // namespace beholder::data
