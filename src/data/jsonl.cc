#include "data/jsonl.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/lines.h"
#include "data/rows.h"

namespace beholder::data {
namespace {

std::unique_ptr<std::istream> open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(Code::kInvalidInput, path, "is a folder, not a file of records", "name the .jsonl file in it");
  return open_stream(path);
}

}  // namespace

RecordReader::RecordReader(const std::string& path)
    : owned_(open(path)), stream_(owned_.get()), name_(path), folder_(std::filesystem::path(path).parent_path().string()) {}

RecordReader::RecordReader(std::istream& stream, std::string name) : stream_(&stream), name_(std::move(name)) {}

std::optional<Line> RecordReader::next() {
  TextLine read;
  while (read_text_line(*stream_, read)) {
    ++number_;
    std::string& text = read.text;
    if (number_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // a byte order mark some editors leave
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    Line line = parse(text, read.too_long);
    ++(line.record ? records_ : bad_);
    return line;
  }
  return std::nullopt;
}

Line RecordReader::parse(const std::string& text, bool too_long) {
  Line line{.number = number_, .record = {}, .error = {}};
  const std::string where = format("{}:{}", name_, number_);
  const bool reported = !unknown_.empty();
  try {
    if (too_long) throw Error(Code::kCorrupt, where, format("the line is longer than {} bytes", kMaxLineBytes));
    Record record = parse_record(parse_json(text, where, true), where, &unknown_);
    resolve_media(record, folder_);
    line.record = std::move(record);
  } catch (const Error& e) {
    line.error = e.what();
  }
  if (!reported && !unknown_.empty()) log_warning(format("{}: unknown keys are left out: {}", where, fmt::join(unknown_, ", ")));
  return line;
}

ReadResult read_records(const std::string& path) {
  RecordReader reader(path);
  ReadResult result;
  while (std::optional<Line> line = reader.next()) {
    if (line->record)
      result.records.push_back(std::move(*line->record));
    else
      result.bad.push_back(std::move(*line));
  }
  return result;
}

void write_records(const std::string& path, const std::vector<Record>& records) {
  write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) {
    for (const Record& record : records) sink(json_line(record_to_json(record)) + "\n");
  });
}

}  // namespace beholder::data
