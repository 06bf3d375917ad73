#include "core/error.h"
#include "core/format.h"
#include "data/rows.h"

namespace beholder::data {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

class CsvRows : public RowReader {
 public:
  CsvRows(std::unique_ptr<std::istream> stream, std::string name) : stream_(std::move(stream)), name_(std::move(name)) {
    std::optional<std::vector<std::string>> header = read_row();
    if (!header) throw Error(Code::kCorrupt, name_, "is empty", "the first row names the columns");
    header_ = std::move(*header);
    if (header_[0].starts_with("\xEF\xBB\xBF")) header_[0].erase(0, 3);
  }

  std::optional<RowResult> next() override {
    while (std::optional<std::vector<std::string>> cells = read_row()) {
      if (cells->size() == 1 && cells->front().empty()) continue;  // an empty line
      const std::string where = format("{}:{}", name_, row_line_);
      if (cells->size() != header_.size())
        return RowResult{{}, format("{}: has {} values for {} columns", where, cells->size(), header_.size())};
      RowResult result;
      result.row = Row::object();
      for (std::size_t i = 0; i < header_.size(); ++i) (*result.row)[header_[i]] = std::move((*cells)[i]);
      return result;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::vector<std::string>> read_row() {
    constexpr int kEnd = std::char_traits<char>::eof();
    std::streambuf* in = stream_->rdbuf();
    if (in->sgetc() == kEnd) return std::nullopt;
    row_line_ = ++line_;
    std::vector<std::string> cells(1);
    std::size_t size = 0;
    bool quoted = false;
    for (int c = in->sbumpc(); c != kEnd; c = in->sbumpc()) {
      if (++size > kMaxLineBytes)
        throw Error(Code::kCorrupt, format("{}:{}", name_, row_line_), "the row does not end", "check the quotes");
      std::string& cell = cells.back();
      if (quoted) {
        line_ += c == '\n';
        if (c != '"')
          cell.push_back(static_cast<char>(c));
        else if (in->sgetc() == '"')
          cell.push_back(static_cast<char>(in->sbumpc()));
        else
          quoted = false;
      } else if (c == '"' && cell.empty()) {
        quoted = true;
      } else if (c == ',') {
        cells.emplace_back();
      } else if (c == '\n') {
        return cells;
      } else if (c != '\r') {
        cell.push_back(static_cast<char>(c));
      }
    }
    if (quoted) throw Error(Code::kCorrupt, format("{}:{}", name_, row_line_), "the file ends inside quotes", "download the file again");
    return cells;
  }

  std::unique_ptr<std::istream> stream_;
  std::string name_;
  std::vector<std::string> header_;
  std::int64_t line_ = 0, row_line_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> open_csv(std::unique_ptr<std::istream> stream, std::string name) {
  return std::make_unique<CsvRows>(std::move(stream), std::move(name));
}

}  // namespace beholder::data
