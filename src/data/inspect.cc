#include "data/inspect.h"

#include <filesystem>
#include <unordered_set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/rng.h"
#include "data/archive_media.h"
#include "data/keys.h"
#include "media/contact_sheet.h"

namespace beholder::data {
namespace {

constexpr std::size_t kProblems = 20;

// An even sample of a stream of unknown length (reservoir), a pure function of the seed and the order.
class Sheet {
 public:
  explicit Sheet(const InspectOptions& options) : options_(options), rng_(options.seed, stable_hash("contact sheet")) {}

  void offer(media::Image&& image) {
    if (image.rgb.empty() || options_.sheet.empty()) return;
    ++seen_;
    if (std::ssize(images_) < options_.sheet_pictures)
      images_.push_back(std::move(image));
    else if (const auto place = static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(seen_))); place < options_.sheet_pictures)
      images_[static_cast<std::size_t>(place)] = std::move(image);
  }

  // The path, or null where there was no picture.
  Json write() const {
    if (images_.empty()) return nullptr;
    write_file_atomic(options_.sheet, media::encode_png(media::contact_sheet(images_, 6, 160)));
    return options_.sheet;
  }

 private:
  const InspectOptions& options_;
  Rng rng_;
  std::int64_t seen_ = 0;
  std::vector<media::Image> images_;
};

class Inspection {
 public:
  explicit Inspection(const InspectOptions& options) : options_(options), sheet_(options) {
    media_ = {
        {"count", 0}, {"distinct", 0}, {"missing", 0}, {"unreadable", 0}, {"in_archives", 0}, {"refused", 0}, {"formats", Json::object()}};
  }

  Json run() {
    const std::unique_ptr<RecordStream> source = open_records(options_.path, options_.dataset);
    auto* dataset = dynamic_cast<Dataset*>(source.get());
    if (dataset && (options_.check.level != CheckLevel::kNone || !options_.against.empty())) look_into_archives(*dataset);
    if (!options_.against.empty()) other_ = keys_of(options_.against, options_.dataset);
    CheckOptions check = options_.check;
    check.small = !options_.sheet.empty();
    CheckedStream checked(*source, check,
                          [dataset](const std::string& path) { return dataset ? dataset->finder().virtual_content(path) : std::nullopt; });
    Progress progress("inspect", dataset ? dataset->size_hint() : 0, "records");
    while (options_.limit == 0 || lines_ < options_.limit) {
      check_interrupt("start it again; --limit looks at fewer records");
      std::optional<CheckedLine> line = checked.next();
      if (!line) break;
      progress.update(++lines_);
      take(*line);
    }
    return result(*source, dataset);
  }

 private:
  void problem(const std::string& text) {
    if (problems_.size() < kProblems) problems_.push_back(text);
  }

  // Every archive once: its media are checked here, and count as found where records name them.
  void look_into_archives(Dataset& dataset) {
    CheckOptions check = options_.check;
    check.small = !options_.sheet.empty();
    ArchiveWatch watch;
    watch.member = [&](const std::string& path, const ArchiveMember& member) {
      if (!member.error.empty()) {
        count("refused");
        return problem(format("{}: {}", path, member.error));
      }
      count("in_archives");
      if (check.level == CheckLevel::kNone) return;
      MediaCheck checked = check_bytes(member.bytes, path, check);
      if (!checked.error.empty()) {
        count("unreadable");
        return problem(checked.error);
      }
      count_format(checked.format);
      sheet_.offer(std::move(checked.small));
    };
    watch.broken = [&](const std::string& archive, const std::string& error) {
      count("unreadable");
      problem(error);
      broken_archives_.push_back(archive);
    };
    read_archives(dataset, watch);
  }

  void count(const char* key, std::int64_t n = 1) { media_[key] = media_[key].get<std::int64_t>() + n; }
  void count_format(const std::string& format) {
    if (!format.empty()) media_["formats"][format] = media_["formats"].value(format, 0) + 1;
  }

  void take(CheckedLine& line) {
    if (!line.line.record) {
      ++bad_;
      return problem(line.line.error);
    }
    const Record& record = *line.line.record;
    ++records_;
    repeated_ids_ += ids_.insert(stable_hash(record.id)).second ? 0 : 1;
    label(record);
    std::uint64_t key = prompt_key(record.prompt);
    prompts_.insert(key);
    const bool prompt_leaks = other_.prompts.contains(key);
    leaked_prompts_ += prompt_leaks && seen_leaks_.insert(key).second ? 1 : 0;
    bool media_leak = false;
    std::uint64_t media = 0;
    for (std::size_t i = 0; i < line.media.size(); ++i) {
      const std::uint64_t medium = key_of(line.media[i], record.media[i]);
      take_medium(line.media[i], medium);
      media_leak = media_leak || other_.media.contains(medium);
      media += mix_keys(medium, 3);  // in any order: readers shuffle sides where the order is the label
    }
    key = mix_keys(key, media);
    leaked_records_ += prompt_leaks || media_leak ? 1 : 0;
    duplicates_ += distinct_.insert(key).second ? 0 : 1;
  }

  // Of the content; where nobody is to look at it and nothing is compared, of the path.
  std::uint64_t key_of(const MediaCheck& check, const MediaRef& ref) const {
    if (options_.check.level != CheckLevel::kNone || check.in_archive || ref.bytes)
      return check.error.empty() ? check.hash : media_key(ref);
    return options_.against.empty() ? stable_hash(ref.name()) : media_key(ref);
  }

  void take_medium(MediaCheck& check, std::uint64_t key) {
    count("count");
    const bool first = distinct_media_.insert(key).second;
    if (first && other_.media.contains(key)) ++leaked_media_;
    if (!check.error.empty()) {
      count(check.missing ? "missing" : "unreadable");
      return problem(check.error);
    }
    if (!first) return;
    count_format(check.format);
    sheet_.offer(std::move(check.small));
  }

  void label(const Record& record) {
    using Kind = Target::Kind;
    ++labels_[record.target.kind == Kind::kPair ? 0 : record.target.kind == Kind::kRanking ? 1 : 2];
    votes_ += record.target.votes;
    const PairCounts counts = count_pairs(record.target);
    pairs_ += counts.pairs;
    ties_ += counts.ties;
    soft_ += counts.soft;
  }

  Json result(const RecordStream& source, const Dataset* dataset) {
    Notes notes = source.notes();
    if (dataset && options_.check.level == CheckLevel::kNone && options_.against.empty() && !dataset->files().archives.empty())
      notes.counts["archives not looked into (--check none): what lies in them counts as missing"] = std::ssize(dataset->files().archives);
    media_["distinct"] = distinct_media_.size();
    Json json = {{"path", options_.path},
                 {"formats", dataset ? dataset->format_names() : std::vector<std::string>{"beholder"}},
                 {"files", notes.files},
                 {"left_out", notes.left_out},
                 {"records", records_},
                 {"bad", bad_},
                 {"labels", {{"pair", labels_[0]}, {"ranking", labels_[1]}, {"none", labels_[2]}}},
                 {"pairs", pairs_},
                 {"tied_pairs", ties_},
                 {"soft_pairs", soft_},
                 {"votes", votes_},
                 {"prompts", prompts_.size()},
                 {"duplicate_records", duplicates_},
                 {"repeated_ids", repeated_ids_},
                 {"media", media_},
                 {"notes", notes.counts},
                 {"unknown_columns", notes.unknown_columns},
                 {"splits", dataset ? dataset->splits() : std::vector<std::string>{}},
                 {"broken_archives", broken_archives_},
                 {"problems", problems_},
                 {"contact_sheet", sheet_.write()}};
    if (!options_.against.empty())
      json["leak"] = {{"against", options_.against}, {"prompts", leaked_prompts_}, {"media", leaked_media_}, {"records", leaked_records_}};
    return json;
  }

  const InspectOptions& options_;
  Sheet sheet_;
  DataKeys other_;
  Json media_;
  std::vector<std::string> problems_, broken_archives_;
  std::unordered_set<std::uint64_t> prompts_, distinct_, distinct_media_, seen_leaks_, ids_;
  std::int64_t lines_ = 0, records_ = 0, bad_ = 0, duplicates_ = 0, pairs_ = 0, ties_ = 0, soft_ = 0, votes_ = 0;
  std::int64_t repeated_ids_ = 0, leaked_prompts_ = 0, leaked_media_ = 0, leaked_records_ = 0;
  std::int64_t labels_[3] = {};
};

}  // namespace

Json inspect(const InspectOptions& options) {
  return Inspection(options).run();
}

}  // namespace beholder::data
