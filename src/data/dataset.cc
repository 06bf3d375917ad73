#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/error.h"
#include "core/format.h"
#include "core/lines.h"
#include "data/archive.h"
#include "data/jsonl.h"
#include "data/rows.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

bool named_json_lines(const std::string& path) {
  return path.ends_with(".jsonl") || path.ends_with(".ndjson");
}

constexpr std::size_t kMaxTableBytes = std::size_t{512} << 20;

std::string columns_of(const Row& row) {
  std::vector<std::string> names;
  for (const auto& [key, value] : row.items()) names.push_back(key.substr(0, 40));
  if (names.size() > 24) names.resize(24);
  return fmt::to_string(fmt::join(names, ", "));
}

const Format* named_format(const std::string& name) {
  std::vector<std::string_view> names;
  for (const Format& format : formats()) {
    if (format.name == name) return &format;
    names.push_back(format.name);
  }
  throw Error(Code::kUnsupported, "--format", format("there is no format \"{}\"", name), format("choose {}", fmt::join(names, ", ")));
}

bool has_columns(const Format& format, const Row& row) {
  return std::all_of(format.needs.begin(), format.needs.end(), [&](std::string_view column) { return row.contains(column); });
}

}  // namespace

Dataset::Dataset(std::string path, DatasetOptions options) : path_(std::move(path)), options_(std::move(options)) {
  if (!options_.format.empty()) named_format(options_.format);
  files_ = list_dataset(path_, options_.split);
  notes_.left_out = files_.left_out;
  find_tables();
  set_roots(tables_[0]);
}

// The tables on the disk and in zips; in tars, which have no list of what they hold, only where there are no others.
void Dataset::find_tables() {
  for (const std::string& path : files_.tables) tables_.push_back({path, {}, false});
  const bool alone = tables_.empty(),
             twins = std::any_of(files_.left_out.begin(), files_.left_out.end(), [](const auto& file) { return file.second == kTwin; });
  for (const auto& [name, parts] : files_.archives) {
    const bool zip = name.ends_with(".zip");
    if (alone || (zip && !twins))
      read_tables(name, parts);
    else
      notes_.left_out[name] =
          zip ? "not searched for tables: metadata-*.parquet says the same" : "not searched for tables: others lie beside it";
  }
  if (tables_.empty())
    throw Error(Code::kNotFound, path_, "its archives hold no file of records",
                "name the folder that has the .json or .parquet files, too");
}

void Dataset::read_tables(const std::string& name, const std::vector<std::string>& parts) {
  const auto wanted = [](const std::string& file) { return is_table_path(file) && !file.ends_with(".parquet"); };
  try {
    ArchiveReader archive(parts);
    while (auto member = archive.next(wanted)) {
      if (!wanted(member->name) || !member->error.empty()) continue;
      const std::string path = archive_stem(name) + "/" + member->name;
      if (std::find(files_.tables.begin(), files_.tables.end(), path) != files_.tables.end()) continue;
      table_bytes_ += member->bytes.size();
      if (table_bytes_ > kMaxTableBytes)
        throw Error(Code::kResource, name, "its tables are too large to be held", "unpack the archive first");
      tables_.push_back({path, std::move(member->bytes), true});
    }
  } catch (const Error& e) {
    if (e.code() != Code::kCorrupt) throw;
    notes_.left_out[name] = e.what();
  }
}

void Dataset::set_roots(const Table& table) {
  std::vector<std::string> roots;
  if (!options_.media_root.empty()) roots.push_back(options_.media_root);
  roots.insert(roots.end(), options_.more_roots.begin(), options_.more_roots.end());
  const std::vector<std::string> near = media_roots(files_, table.path);
  roots.insert(roots.end(), near.begin(), near.end());
  finder_.set_roots(roots);
}

RowContext Dataset::context() {
  const std::string& path = tables_[table_].path;
  return {format("{}:{}", fs::path(path).stem().string(), row_), format("{}:{}", path, row_), options_.mapping, notes_};
}

void Dataset::give(std::optional<Record> record, const std::string& error) {
  ++notes_.files[tables_[table_].path];
  ready_.push_back({.number = row_, .record = std::move(record), .error = error});
}

void Dataset::fail(const std::string& what) {
  give(std::nullopt, what);
}

void Dataset::open_table() {
  const Table& table = tables_[table_];
  row_ = 0;
  try {
    reader_ = table.in_archive ? open_text_rows(table.text, table.path) : open_rows(table.path);
    set_roots(table);
  } catch (const Error& e) {
    if (tables_.size() == 1) throw;
    notes_.left_out[table.path] = e.what();
    fail(e.what());
    ++table_;
  }
}

void Dataset::close_table() {
  std::vector<Record> records;
  if (mapper_) mapper_->finish(context(), records);
  for (Record& record : records) give(std::move(record), {});
  reader_.reset();
  mapper_.reset();
  format_ = nullptr;
  ++table_;
}

// Finds the format from a table's first good row. False: the table is left out.
bool Dataset::begin(const Row& row) {
  const std::string& path = tables_[table_].path;
  format_ = options_.format.empty() ? detect_format(row) : named_format(options_.format);
  if (!format_ || !has_columns(*format_, row)) {
    const std::string why =
        format("{} are its columns: {}", format_ ? "not those of " + std::string(format_->name) : "no known format's", columns_of(row));
    if (tables_.size() == 1) throw Error(Code::kInvalidInput, path, why, "beholder data inspect --help lists the formats");
    notes_.left_out[path] = why;
    return false;
  }
  mapper_ = format_->make();
  const std::string name(format_->name);
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  for (const auto& [key, value] : row.items()) {
    const auto known = [&](const std::vector<std::string_view>& columns) {
      return std::find(columns.begin(), columns.end(), key) != columns.end();
    };
    if (!known(format_->needs) && !known(format_->knows)) notes_.unknown_columns.insert(key);
  }
  return true;
}

void Dataset::take(RowResult result) {
  if (!result.row) return fail(result.error);
  std::vector<Record> records;
  const RowContext here = context();
  try {
    mapper_->add(std::move(*result.row), here, records);
  } catch (const Error& e) {
    if (e.code() == Code::kInternal) throw;
    fail(e.what());
  } catch (const Json::exception& e) {
    fail(format("{}: a value of an unexpected kind", here.where));
  }
  for (Record& record : records) give(std::move(record), {});
}

void Dataset::read_row() {
  std::optional<RowResult> result;
  try {
    result = reader_->next();
  } catch (const Error& e) {
    if (e.code() == Code::kInternal || e.code() == Code::kResource) throw;
    fail(format("{}; the rest of this file was not read (after row {})", e.what(), row_));
    notes_.left_out[tables_[table_].path] = format("broken after row {}", row_);
    return close_table();
  }
  if (!result) {
    if (!format_ && row_ == 0) notes_.left_out[tables_[table_].path] = "is empty";
    return close_table();
  }
  ++row_;
  const std::string& path = tables_[table_].path;
  if (!result->row && row_ == 1 && path.ends_with(".json")) {  // the prompts of a benchmark
    const std::string why = "is a list of something else than objects";
    if (tables_.size() == 1) throw Error(Code::kInvalidInput, path, why, "name the file that has the records");
    notes_.left_out[path] = why;
    return close_table();
  }
  if (result->row && !format_ && !begin(*result->row)) return close_table();
  take(std::move(*result));
}

std::optional<Line> Dataset::next() {
  while (ready_.empty()) {
    if (table_ == tables_.size()) return std::nullopt;
    if (!reader_)
      open_table();
    else
      read_row();
  }
  Line line = std::move(ready_.front());
  ready_.pop_front();
  ++position_;
  if (line.record)
    for (MediaRef& ref : line.record->media)
      if (!ref.bytes) ref.path = finder_.find(ref.path);
  return line;
}

// Where rows and records are the same, rows are left out without being made into records.
void Dataset::skip(std::int64_t lines) {
  while (lines > 0) {
    if (!next()) return;
    --lines;
    if (!ready_.empty() || !mapper_ || !mapper_->one_to_one()) continue;
    const std::optional<std::int64_t> rows = reader_->rows();
    const std::int64_t here = rows ? std::min(lines, *rows - row_) : 0;
    reader_->skip(here);
    row_ += here;
    position_ += here;
    lines -= here;
  }
}

std::int64_t Dataset::size_hint() const {
  std::int64_t sum = 0;
  for (const Table& table : tables_) {
    if (table.in_archive || !table.path.ends_with(".parquet")) return 0;
    try {
      sum += open_parquet(table.path)->rows().value_or(0);
    } catch (const Error&) {  // reading will say so
    }
  }
  return sum;
}

bool is_json_lines(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) return false;
  if (!std::filesystem::is_regular_file(path, none) || named_json_lines(path)) return true;
  std::ifstream file(path, std::ios::binary);
  char first = 0;  // that is no white space
  return !(file >> first) || first == '{';
}

bool is_own_records(const std::string& path) {
  if (!is_json_lines(path)) return false;
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return true;
  const auto first = open_json_lines(open_stream(path), path)->next();
  if (!first || !first->row) return named_json_lines(path);
  return first->row->contains("media") || (named_json_lines(path) && !detect_format(*first->row));
}

std::unique_ptr<RecordStream> open_records(const std::string& path, const DatasetOptions& options) {
  if (path == "-") return std::make_unique<RecordReader>(std::cin, "stdin");
  if (options.format.empty() && options.split.empty() && is_own_records(path)) return std::make_unique<RecordReader>(path);
  return std::make_unique<Dataset>(path, options);
}

}  // namespace beholder::data
