// Parquet and Arrow through Arrow's C++ library. Its errors are statuses, except that Parquet's metadata may throw.
#include "core/error.h"
#include "core/format.h"
#include "core/lines.h"
#include "data/rows.h"

#ifndef BEHOLDER_ARROW

namespace beholder::data {
namespace {
[[noreturn]] void no_arrow(const std::string& path) {
  throw Error(Code::kUnsupported, path, "this build reads no Parquet or Arrow files",
              "install pyarrow into the Python that CMake's PYTHON names and build again with -DPARQUET=ON");
}
}  // namespace
std::unique_ptr<RowReader> open_parquet(const std::string& path) {
  no_arrow(path);
}
std::unique_ptr<RowReader> open_arrow(const std::string& path) {
  no_arrow(path);
}
}  // namespace beholder::data

#else

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "data/arrow_value.h"

namespace beholder::data {
namespace {

constexpr std::int64_t kBatchRows = 32;

[[noreturn]] void corrupt(const std::string& path, const std::string& what) {
  throw Error(Code::kCorrupt, path, what, "download or copy the file again");
}

void check(const arrow::Status& status, const std::string& path) {
  if (status.IsOutOfMemory()) throw Error(Code::kResource, path, status.message(), "give the program more memory");
  if (!status.ok()) corrupt(path, status.message());
}

template <class T>
T take(arrow::Result<T> result, const std::string& path) {
  check(result.status(), path);
  return std::move(result).ValueUnsafe();
}

// Parquet's own exceptions become ours.
template <class Make>
auto guarded(const std::string& path, const Make& make) {
  try {
    return make();
  } catch (const parquet::ParquetException& e) {
    corrupt(path, e.what());
  }
}

std::shared_ptr<arrow::io::ReadableFile> open_file(const std::string& path) {
  open_stream(path);  // our words for a file that is not there
  return take(arrow::io::ReadableFile::Open(path), path);
}

// Batches, and rows out of them.
class BatchRows : public RowReader {
 public:
  explicit BatchRows(std::string path) : path_(std::move(path)) {}

  std::optional<RowResult> next() override {
    while (!batch_ || at_ == batch_->num_rows()) {
      batch_ = guarded(path_, [&] { return read_batch(); });
      at_ = 0;
      if (!batch_) return std::nullopt;
      check(batch_->ValidateFull(), path_);
    }
    RowResult result;
    result.row = Row::object();
    for (int c = 0; c < batch_->num_columns(); ++c) (*result.row)[batch_->column_name(c)] = arrow_value(*batch_->column(c), at_);
    ++at_;
    ++at_row_;
    return result;
  }

 protected:
  virtual std::shared_ptr<arrow::RecordBatch> read_batch() = 0;  // nothing at the end
  std::int64_t at_row() const { return at_row_; }
  // The next batch that is read begins with this row.
  void go_to(std::int64_t row) {
    batch_.reset();
    at_row_ = row;
  }
  std::string path_;

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::int64_t at_ = 0, at_row_ = 0;  // in the batch, in the file
};

class ParquetRows : public BatchRows {
 public:
  explicit ParquetRows(const std::string& path) : BatchRows(path) {
    guarded(path, [&] {
      parquet::ReaderProperties properties;
      properties.enable_buffered_stream();  // pages as they are needed, not whole columns of a row group
      parquet::ArrowReaderProperties arrow_properties(false);
      arrow_properties.set_batch_size(kBatchRows);
      arrow_properties.set_pre_buffer(false);
      parquet::arrow::FileReaderBuilder builder;
      check(builder.Open(open_file(path), properties), path);
      builder.properties(arrow_properties);
      file_ = take(builder.Build(), path);
      return 0;
    });
    for (int g = 0; g < file_->num_row_groups(); ++g) groups_.push_back(g);
  }

  std::optional<std::int64_t> rows() const override { return file_->parquet_reader()->metadata()->num_rows(); }

  // Row groups that lie before the goal are never read.
  void skip(std::int64_t rows) override {
    const std::int64_t goal = at_row() + rows;
    const auto& metadata = *file_->parquet_reader()->metadata();
    int group = 0;
    std::int64_t begin = 0;
    while (group < metadata.num_row_groups() && begin + metadata.RowGroup(group)->num_rows() <= goal)
      begin += metadata.RowGroup(group++)->num_rows();
    if (begin > at_row()) {
      groups_.clear();
      for (; group < metadata.num_row_groups(); ++group) groups_.push_back(group);
      batches_.reset();
      go_to(begin);
    }
    BatchRows::skip(goal - at_row());
  }

 private:
  std::shared_ptr<arrow::RecordBatch> read_batch() override {
    if (groups_.empty()) return nullptr;
    if (!batches_) batches_ = take(file_->GetRecordBatchReader(groups_), path_);
    return take(batches_->Next(), path_);
  }

  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::vector<int> groups_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

class ArrowStreamRows : public BatchRows {
 public:
  explicit ArrowStreamRows(const std::string& path)
      : BatchRows(path), batches_(take(arrow::ipc::RecordBatchStreamReader::Open(open_file(path)), path)) {}

 private:
  std::shared_ptr<arrow::RecordBatch> read_batch() override { return take(batches_->Next(), path_); }
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> batches_;
};

class ArrowFileRows : public BatchRows {
 public:
  explicit ArrowFileRows(const std::string& path)
      : BatchRows(path), file_(take(arrow::ipc::RecordBatchFileReader::Open(open_file(path)), path)) {}

 private:
  std::shared_ptr<arrow::RecordBatch> read_batch() override {
    return at_ == file_->num_record_batches() ? nullptr : take(file_->ReadRecordBatch(at_++), path_);
  }
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  int at_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> open_parquet(const std::string& path) {
  return std::make_unique<ParquetRows>(path);
}

std::unique_ptr<RowReader> open_arrow(const std::string& path) {
  char magic[6] = {};
  open_stream(path)->read(magic, sizeof magic);
  if (std::string_view(magic, sizeof magic) == "ARROW1") return std::make_unique<ArrowFileRows>(path);
  return std::make_unique<ArrowStreamRows>(path);
}

}  // namespace beholder::data

#endif
