#include "data/jsonl.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/rows.h"

namespace beholder::data {

RecordReader::RecordReader(const std::string& path) : lines_(path) {
  std::error_code none;  // a pipe lies nowhere
  if (std::filesystem::is_regular_file(path, none)) folder_ = std::filesystem::path(path).parent_path().string();
}

RecordReader::RecordReader(std::istream& stream, std::string name) : lines_(stream, std::move(name)) {}

std::optional<Line> RecordReader::next() {
  const std::optional<TextLine> text = lines_.next();
  if (!text) return std::nullopt;
  Line line = parse(*text);
  ++(line.record ? records_ : bad_);
  return line;
}

Notes RecordReader::notes() const {
  Notes notes;
  notes.unknown_columns = unknown_;
  notes.files[lines_.name()] = position();
  return notes;
}

Line RecordReader::parse(const TextLine& text) {
  Line line{.number = text.number, .record = {}, .error = {}};
  const std::string where = lines_.where();
  const bool reported = !unknown_.empty();
  try {
    if (text.too_long) throw Error(Code::kCorrupt, where, format("the line is longer than {} bytes", LineReader::kMaxBytes));
    Record record = parse_record(parse_json(text.text, where, true), where, &unknown_);
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
