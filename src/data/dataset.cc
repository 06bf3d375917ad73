#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/error.h"
#include "core/format.h"
#include "core/lines.h"
#include "data/archive.h"
#include "data/data_part.h"
#include "data/jsonl.h"
#include "data/rows.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

bool named_json_lines(const std::string& path) {
  return path.ends_with(".jsonl") || path.ends_with(".ndjson");
}

constexpr std::size_t kMaxTableBytes = std::size_t{512} << 20;
constexpr std::size_t kPatience = 100;         // rows that may come before the first that shows a table's format
constexpr std::size_t kUnknownColumns = 1000;  // that are named

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
  files_ = list_dataset(path_);
  notes_.left_out = files_.left_out;
  find_tables();
  choose_tables();
  set_roots(tables_[0]);
}

// The tables on the disk and in zips; in tars, which have no list of what they hold, only where there are no others.
void Dataset::find_tables() {
  for (const std::string& path : files_.tables) tables_.push_back({path, {}, false});
  const bool alone = tables_.empty();
  for (const auto& [name, parts] : files_.archives) {
    const bool zip = name.ends_with(".zip");
    if (alone || (zip && !files_.twins))
      read_tables(name, parts);
    else
      notes_.left_out[name] =
          zip ? "not searched for tables: metadata-*.parquet says the same" : "not searched for tables: others lie beside it";
  }
  if (tables_.empty())
    throw Error(Code::kNotFound, path_, "its archives hold no file of records",
                "name the folder that has the .json or .parquet files, too");
}

// Only the split's. Rows are named after their file; where several have its name, after its whole path, chosen or not.
void Dataset::choose_tables() {
  std::map<std::string, int> stems;
  std::vector<std::string> paths;
  for (Table& table : tables_) {
    table.id = fs::path(table.path).stem().string();
    table.training = is_training_table(table.path, files_.root);
    ++stems[table.id];
    paths.push_back(table.path);
  }
  for (Table& table : tables_)
    if (stems[table.id] > 1) table.id = fs::path(table.path).lexically_relative(files_.root).string();
  splits_ = splits_of(paths, files_.root);
  const std::vector<std::string> chosen = tables_of_split(paths, files_.root, options_.split);
  std::erase_if(tables_, [&](const Table& table) { return std::find(chosen.begin(), chosen.end(), table.path) == chosen.end(); });
  if (tables_.empty())
    throw Error(Code::kNotFound, path_, format("holds no file of the split \"{}\"", options_.split),
                splits_.empty() ? "its files name no split: leave it out" : format("choose {}", fmt::join(splits_, ", ")));
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
    if (e.code() != Code::kCorrupt && e.code() != Code::kNotFound) throw;
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
  const Table& table = tables_[table_];
  return {format("{}:{}", table.id, row_), format("{}:{}", table.path, row_), options_.mapping, notes_, table.training};
}

void Dataset::give(std::optional<Record> record, const std::string& error) {
  ++notes_.files[tables_[table_].path];
  ready_.push_back({.number = row_, .record = std::move(record), .error = error});
}

// A record of a public set, which knows no limit of ours.
void Dataset::give_record(Record&& record) {
  if (record.media.size() <= kMaxMedia) return give(std::move(record), {});
  fail(Error(Code::kInvalidInput, context().where, format("record {} has more than {} media", record.id, kMaxMedia),
             "split it into several records")
           .what());
}

void Dataset::fail(const std::string& what) {
  give(std::nullopt, what);
}

void Dataset::open_table() {
  Table& table = tables_[table_];
  row_ = 0;
  try {
    reader_ = table.in_archive ? open_text_rows(std::move(table.text), table.path) : open_rows(table.path);
    set_roots(table);
  } catch (const Error& e) {
    if (tables_.size() == 1) throw;
    notes_.left_out[table.path] = e.what();
    fail(e.what());
    ++table_;
  }
}

void Dataset::close_table() {
  reader_.reset();
  mapper_.reset();
  format_ = nullptr;
  waiting_.clear();
  strange_.clear();
  columns_.clear();
  ++table_;
}

void Dataset::end_table() {
  if (!waiting_.empty()) return leave_out();
  if (!format_ && row_ == 0) notes_.left_out[tables_[table_].path] = "is empty";
  std::vector<Record> records;
  if (mapper_) mapper_->finish(context(), records);
  for (Record& record : records) give_record(std::move(record));
  close_table();
}

// The table is no list of records: it is named with the number of its rows, which are no bad lines.
void Dataset::leave_out() {
  const std::string& path = tables_[table_].path;
  if (tables_.size() == 1)
    throw Error(Code::kInvalidInput, path, strange_, "name the file that has the records; beholder data inspect --help lists the formats");
  try {
    if (const std::optional<std::int64_t> rows = reader_->rows())
      row_ = *rows;
    else
      while (reader_->next()) ++row_;
  } catch (const Error& e) {
    if (e.code() == Code::kInternal || e.code() == Code::kResource) throw;
  }
  notes_.left_out[path] = format("{} ({} rows)", strange_, row_);
  close_table();
}

// Finds a table's format from its first row that has one. Rows before it are bad lines, unless none comes (then the table is left out).
bool Dataset::has_begun(const RowResult& result) {
  const bool list = tables_[table_].path.ends_with(".json");  // of prompts, as benchmarks have it
  if (!result.row && !list && waiting_.empty()) return true;  // a line that is no JSON says nothing of the others
  const Format* found = !result.row ? nullptr : options_.format.empty() ? detect_format(*result.row) : named_format(options_.format);
  if (found && has_columns(*found, *result.row)) {
    begin(*found);
    return true;
  }
  const std::string why = !result.row
                              ? "is a list of something else than objects"
                              : format("{} are its columns: {}", found ? "not those of " + std::string(found->name) : "no known format's",
                                       columns_of(*result.row));
  if (waiting_.empty()) strange_ = why;
  waiting_.push_back({row_, {}, result.row ? format("{}:{}: {}", tables_[table_].path, row_, why) : result.error});
  if (waiting_.size() >= kPatience) leave_out();
  return false;
}

void Dataset::give_waiting() {
  notes_.files[tables_[table_].path] += std::ssize(waiting_);
  for (Line& line : waiting_) ready_.push_back(std::move(line));
  waiting_.clear();
}

void Dataset::begin(const Format& format) {
  give_waiting();
  format_ = &format;
  mapper_ = format.make();
  const std::string name(format.name);
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
}

void Dataset::note_columns(const Row& row) {
  for (const auto& [key, value] : row.items()) {
    if (notes_.unknown_columns.size() >= kUnknownColumns || !columns_.insert(key).second) continue;
    const auto is_among = [&](const std::vector<std::string_view>& columns) {
      return std::find(columns.begin(), columns.end(), key) != columns.end();
    };
    if (!is_among(format_->needs) && !is_among(format_->knows)) notes_.unknown_columns.insert(key);
  }
}

void Dataset::take(RowResult result) {
  if (!result.row) return fail(result.error);
  note_columns(*result.row);
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
  for (Record& record : records) give_record(std::move(record));
}

void Dataset::read_row() {
  std::optional<RowResult> result;
  try {
    result = reader_->next();
  } catch (const Error& e) {
    if (e.code() == Code::kInternal || e.code() == Code::kResource) throw;
    give_waiting();
    fail(format("{}; the rest of this file was not read (after row {})", e.what(), row_));
    notes_.left_out[tables_[table_].path] = format("broken after row {}", row_);
    return end_table();
  }
  if (!result) return end_table();
  ++row_;
  if (format_ || has_begun(*result)) take(std::move(*result));
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
  if (std::filesystem::is_directory(path, none) || parse_data_part(path).chosen) return false;
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

bool is_live(const std::string& path) {
  std::error_code none;
  const auto status = std::filesystem::status(path, none);
  return path == "-" ||
         (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) && !std::filesystem::is_directory(status));
}

std::unique_ptr<RecordStream> open_records(const std::string& path, const DatasetOptions& options) {
  if (path == "-") return std::make_unique<RecordReader>(std::cin, "stdin");
  if (options.format.empty() && options.split.empty() && is_own_records(path)) return std::make_unique<RecordReader>(path);
  DataPart part = parse_data_part(path, options);
  return std::make_unique<Dataset>(std::move(part.path), std::move(part.options));
}

}  // namespace beholder::data
