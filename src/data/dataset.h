// Any data set that is known (data/format.h) as one stream of records: a file, a folder of shards, parts or splits, archives with
// their tables inside. What each file is shows in its own columns.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "data/dataset_files.h"
#include "data/format.h"
#include "data/stream.h"

namespace beholder::data {

struct DatasetOptions {
  std::string format;                   // a name of formats(); empty: found out
  std::string split;                    // only tables of this split (tables_of_split); empty: all
  std::string media_root;               // where relative paths lie; empty: looked for near the tables
  std::vector<std::string> more_roots;  // searched first, e.g. where archives were unpacked
  FormatOptions mapping;
};

class Dataset : public RecordStream {
 public:
  // kNotFound where there is nothing to read; kInvalidInput, naming the columns, where a single file has no known format;
  // kUnsupported for an unknown `format`.
  Dataset(std::string path, DatasetOptions options);

  std::optional<Line> next() override;
  std::int64_t position() const override { return position_; }
  void skip(std::int64_t lines) override;
  Notes notes() const override { return notes_; }

  const DatasetFiles& files() const { return files_; }
  // The splits that the tables' names tell, those that were not chosen among them.
  const std::vector<std::string>& splits() const { return splits_; }
  // The formats seen so far, in order.
  const std::vector<std::string>& format_names() const { return names_; }
  // Lines in all, where the files say so without being read; 0: not known.
  std::int64_t size_hint() const;
  // Media that are there without being files of their own; they count as found.
  MediaFinder& finder() { return finder_; }

 private:
  struct Table {
    std::string path;
    std::string text;  // of a table out of an archive
    bool in_archive = false, training = false;
    std::string id = {};  // what its rows' ids begin with
  };
  void find_tables();
  void read_tables(const std::string& archive, const std::vector<std::string>& parts);
  void choose_tables();
  void open_table();
  void close_table();
  void leave_out();
  void give_waiting();
  bool has_begun(const RowResult& result);
  void begin(const Format& format);
  void set_roots(const Table& table);
  void read_row();
  void end_table();
  void take(RowResult result);
  void note_columns(const Row& row);
  RowContext context();
  void give(std::optional<Record> record, const std::string& error);
  void give_record(Record&& record);
  void fail(const std::string& what);

  std::string path_;
  DatasetOptions options_;
  DatasetFiles files_;
  std::vector<Table> tables_;
  std::size_t table_bytes_ = 0;  // of tables out of archives
  std::size_t table_ = 0;        // the one that is open, or comes next
  std::unique_ptr<RowReader> reader_;
  const Format* format_ = nullptr;
  std::unique_ptr<Mapper> mapper_;
  std::vector<Line> waiting_;                // bad lines before the first row that shows a format
  std::string strange_;                      // what is wrong with the first of them
  std::unordered_set<std::string> columns_;  // of this table, as far as they have been looked at
  MediaFinder finder_;
  std::int64_t row_ = 0, position_ = 0;
  std::deque<Line> ready_;
  std::vector<std::string> names_, splits_;
  Notes notes_;
};

// The stream that fits `path` (or part, data/data_part.h): "-" and our own JSON lines through RecordReader, anything else through
// Dataset.
std::unique_ptr<RecordStream> open_records(const std::string& path, const DatasetOptions& options = {});
// Whether `path` is read as JSON objects, one a line: by its name (.jsonl, .ndjson) or first character; a pipe always, since what it gives
// cannot be read twice.
bool is_json_lines(const std::string& path);
// Whether `path` holds our own JSON lines, which need no conversion: by its first line; a pipe always, a part with something chosen
// never.
bool is_own_records(const std::string& path);

// Whether `path` is standard input ("-") or a pipe: read once, and what comes next may not have been written yet.
bool is_live(const std::string& path);

}  // namespace beholder::data
