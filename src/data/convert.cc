#include "data/convert.h"

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "data/data_part.h"
#include "data/media_out.h"
#include "data/shuffle.h"
#include "data/unique_ids.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

using Sink = std::function<void(std::string_view)>;

// What the source's files were, and what was asked of them.
std::string identity(const ConvertOptions& o) {
  const DatasetFiles files = list_dataset(o.path);
  constexpr int kVersion = 2;  // of what is made of them
  std::string text = format("{} {} {} {} {} {} {} {} {} {} {} {} {}", kVersion, fs::absolute(o.path).string(), o.dataset.format,
                            o.dataset.split, o.dataset.media_root, o.dataset.mapping.aspect, o.dataset.mapping.seed, o.pairs, o.drop_ties,
                            o.shuffle, o.seed, o.limit, o.keep_unreadable ? -1 : static_cast<int>(o.check.level));
  const auto add = [&](const std::string& file) {
    std::error_code ignored;
    text += format("\n{} {} {}", file, fs::file_size(file, ignored), fs::last_write_time(file, ignored).time_since_epoch().count());
  };
  for (const std::string& table : files.tables) add(table);
  for (const auto& [name, parts] : files.archives)
    for (const std::string& part : parts) add(part);
  return sha256_hex(text).substr(0, 32);
}

// The path and what stood in brackets behind it.
ConvertOptions with_part(const ConvertOptions& options) {
  ConvertOptions whole = options;
  DataPart part = parse_data_part(options.path, options.dataset);
  whole.path = std::move(part.path);
  whole.dataset = std::move(part.options);
  return whole;
}

class Conversion {
 public:
  explicit Conversion(ConvertOptions options) : options_(std::move(options)), out_(options_.out) {}

  Json run() {
    DatasetOptions dataset = options_.dataset;
    dataset.more_roots = out_.unpack(list_dataset(options_.path));
    std::unique_ptr<RecordStream> source = open_records(options_.path, dataset);
    if (const auto* set = dynamic_cast<const Dataset*>(source.get()); set && options_.dataset.split.empty()) warn_of_splits(*set);
    if (options_.shuffle) source = std::make_unique<ShuffledStream>(std::move(source), options_.seed);
    const std::string records = options_.out + "/records.jsonl";
    write_file_atomic(options_.out + "/left_out.jsonl", [&](const Sink& left_out) {
      left_out_ = &left_out;
      write_file_atomic(records, [&](const Sink& sink) { read_all(*source, sink); });
    });
    const Json report = this->report(records, source->notes());
    write_file_atomic(options_.out + "/data.json", report.dump(1) + "\n");
    return report;
  }

 private:
  static void warn_of_splits(const Dataset& set) {
    const std::vector<std::string>& splits = set.splits();
    if (splits.size() > 1) log_warning(format("files of several splits ({}) come together; --split chooses one", fmt::join(splits, ", ")));
  }

  void read_all(RecordStream& source, const Sink& sink) {
    CheckOptions check = options_.check;
    if (options_.keep_unreadable) check.level = CheckLevel::kHeader;  // for the names of the files
    CheckedStream checked(source, check);
    Progress progress("convert", 0, "records");
    while (options_.limit == 0 || read_ < options_.limit) {
      check_interrupt("the same command goes on: media that have been written are kept");
      std::optional<CheckedLine> line = checked.next();
      if (!line) break;
      ++read_;
      take(*line, sink);
      progress.update(read_);
    }
    if (written_ == 0)
      throw Error(Code::kInvalidInput, options_.path, format("none of {} records can be used", read_),
                  first_problem_.empty() ? "it is empty" : "the first: " + first_problem_);
  }

  void leave_out(const Line& line, const std::string& why) {
    ++left_;
    if (first_problem_.empty()) first_problem_ = why;
    (*left_out_)(json_line({{"line", line.number}, {"id", line.record ? Json(line.record->id) : Json()}, {"error", why}}) + "\n");
  }

  // Leaves out the media that cannot be read where a ranking of two or more remains. Why the record is lost, or nothing.
  std::string drop_broken(Record& record, std::vector<MediaCheck>& media) {
    std::vector<int> good;
    std::string why;
    for (std::size_t i = 0; i < media.size(); ++i) {
      if (media[i].error.empty())
        good.push_back(static_cast<int>(i));
      else if (why.empty())
        why = media[i].error;
    }
    if (good.size() == media.size()) return {};
    if (record.target.kind != Target::Kind::kRanking || good.size() < 2 || !record.completion.empty()) return why;
    Record kept = record;
    std::vector<MediaCheck> checks;
    kept.media.clear();
    kept.target.ranking.clear();
    for (const int i : good) {
      kept.media.push_back(record.media[static_cast<std::size_t>(i)]);
      kept.target.ranking.push_back(record.target.ranking[static_cast<std::size_t>(i)]);
      checks.push_back(std::move(media[static_cast<std::size_t>(i)]));
    }
    kept.meta["media_dropped"] = record.media.size() - good.size();
    dropped_ += std::ssize(record.media) - std::ssize(good);
    (*left_out_)(json_line({{"id", record.id}, {"media_dropped", record.media.size() - good.size()}, {"error", why}}) + "\n");
    record = std::move(kept);
    media = std::move(checks);
    return {};
  }

  void take(CheckedLine& line, const Sink& sink) {
    if (!line.line.record) return leave_out(line.line, line.line.error);
    Record& record = *line.line.record;
    if (!options_.keep_unreadable)
      if (const std::string why = drop_broken(record, line.media); !why.empty()) return leave_out(line.line, why);
    record.id = ids_.give(record.id);
    for (std::size_t i = 0; i < record.media.size(); ++i) out_.place(record.media[i], line.media[i].format);
    const bool expand = options_.pairs && record.target.kind != Target::Kind::kNone;
    for (const Record& one : expand ? expand_pairs(record) : std::vector<Record>{record}) {
      if (options_.drop_ties && one.target.kind == Target::Kind::kPair && one.target.q == 0.5) {
        ++ties_;
        continue;
      }
      sink(json_line(record_to_json(one)) + "\n");
      ++written_;
    }
  }

  Json report(const std::string& records, const Notes& notes) const {
    return {{"records", records},
            {"read", read_},
            {"written", written_},
            {"left_out", left_},
            {"media_dropped", dropped_},
            {"ties_dropped", ties_},
            {"media_written", out_.written()},
            {"media_kept", out_.kept()},
            {"unpacked", out_.unpacked()},
            {"refused", out_.refused()},
            {"notes", notes.counts},
            {"unknown_columns", notes.unknown_columns},
            {"files_left_out", notes.left_out},
            {"source", options_.path},
            {"identity", identity(options_)}};
  }

  const ConvertOptions options_;
  MediaOut out_;
  UniqueIds ids_;
  const Sink* left_out_ = nullptr;
  std::string first_problem_;
  std::int64_t read_ = 0, written_ = 0, left_ = 0, dropped_ = 0, ties_ = 0;
};

}  // namespace

Json convert(const ConvertOptions& options) {
  return Conversion(with_part(options)).run();
}

std::string prepare_records(const ConvertOptions& given) {
  if (given.path.empty() || is_own_records(given.path)) return given.path;
  const ConvertOptions options = with_part(given);
  const std::string records = options.out + "/records.jsonl", report = options.out + "/data.json";
  if (fs::exists(records) && fs::exists(report) && json_get<std::string>(read_json(report), "identity", "", report) == identity(options))
    return records;
  const Json done = convert(options);
  log_info(format("{}: {} records written to {}, {} left out (left_out.jsonl says why)", options.path, done["written"].get<std::int64_t>(),
                  records, done["left_out"].get<std::int64_t>()));
  return records;
}

}  // namespace beholder::data
