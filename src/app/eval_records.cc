#include "app/eval_records.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <span>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/convert.h"
#include "data/data_part.h"
#include "data/dataset.h"
#include "data/unique_ids.h"
#include "report/html.h"

namespace beholder::app {
namespace fs = std::filesystem;
namespace {

// "test_v1" of the protocol "genai-bench/test_v1"; empty for protocols of any split.
std::string split_of_protocol(const std::string& protocol) {
  const std::size_t slash = protocol.find('/');
  return slash == std::string::npos ? "" : protocol.substr(slash + 1);
}

// The data set and what is chosen of it, by flags or in brackets.
data::DataPart part_of(const EvalSource& source) {
  return data::parse_data_part(source.data, source.flags.dataset());
}

// The splits of a folder none of which all of its files belong to; one or none where there is nothing to choose.
std::vector<std::string> splits_to_choose(const data::DatasetFiles& files) {
  std::vector<std::string> splits = data::splits_of(files.tables, files.root);
  for (const std::string& split : splits)
    if (data::tables_of_split(files.tables, files.root, split).size() == files.tables.size()) return {split};
  return splits;
}

void check_own_records(const EvalSource& source) {
  const DataFlags& f = source.flags;
  for (const auto& [name, value] :
       {std::pair("--split", &f.split), {"--aspect", &f.aspect}, {"--format", &f.format}, {"--media-root", &f.media_root}})
    if (!value->empty())
      throw Error(Code::kUsage, name, format("it chooses in a public data set, and {} holds records of our own", source.data),
                  "leave it out, or name the data set itself");
}

void check_one_split(const data::DataPart& part) {
  std::error_code none;
  if (!part.options.split.empty() || !fs::is_directory(part.path, none)) return;
  const std::vector<std::string> splits = splits_to_choose(data::list_dataset(part.path));
  if (splits.size() > 1)
    throw Error(Code::kUsage, part.path, format("it holds several splits: {}", fmt::join(splits, ", ")),
                format("choose one, as --split {}", splits.back()));
}

void check_split_of_protocol(const data::DataPart& part, const std::string& protocol) {
  const std::string wanted = split_of_protocol(protocol);
  if (wanted.empty()) return;
  const std::string& chosen = part.options.split;
  const data::DatasetFiles files = data::list_dataset(part.path);
  std::set<std::string> found;
  for (const std::string& split : data::splits_of(data::tables_of_split(files.tables, files.root, chosen), files.root))
    if (split == "test" || split == "test_v1") found.insert(split);
  if (!chosen.empty() && chosen != wanted) found = {chosen};
  if (!found.empty() && found != std::set<std::string>{wanted})
    throw Error(Code::kUsage, "--protocol",
                format("{} is measured on the split {}, and the data are of {}", protocol, wanted, fmt::join(found, " and ")),
                format("name the files of {}, or the protocol of the other split", wanted));
}

std::unique_ptr<data::RecordStream> open_source(const EvalSource& source) {
  const data::DataPart part = part_of(source);
  return data::is_own_records(source.data) ? data::open_records(source.data) : data::open_records(part.path, part.options);
}

// A public data set becomes JSON lines with its media as files, once; our own records stay where they are.
std::string with_media_files(const EvalSource& source) {
  data::ConvertOptions options;
  options.path = source.data;
  options.out = source.output_dir + "/data";
  options.dataset = source.flags.dataset();
  options.keep_unreadable = true;
  return data::prepare_records(options);
}

Json left_out_of(const data::RecordStream& stream) {
  const data::Notes notes = stream.notes();
  return {{"notes", notes.counts}, {"left_out", notes.left_out}, {"refused", Json::array()}, {"unknown_columns", notes.unknown_columns}};
}

Json left_out_of_conversion(const Json& report) {
  return {{"notes", report.value("notes", Json::object())},
          {"left_out", report.value("files_left_out", Json::object())},
          {"refused", report.value("refused", Json::array())},
          {"unknown_columns", report.value("unknown_columns", Json::array())}};
}

void say_left_out(const std::string& data, const Json& left_out) {
  std::vector<std::string> parts;
  for (const auto& [what, n] : left_out.at("notes").items()) parts.push_back(format("{} ({})", what, n.get<std::int64_t>()));
  if (const Json& files = left_out.at("left_out"); !files.empty())
    parts.push_back(format("{} not read, as {}: {}", report::count_of(std::ssize(files), "file", "files"),
                           fs::path(files.begin().key()).filename().string(), files.begin().value().get<std::string>()));
  if (const Json& refused = left_out.at("refused"); !refused.empty())
    parts.push_back(
        format("{} of archives refused, as {}", report::count_of(std::ssize(refused), "member", "members"), refused[0].get<std::string>()));
  if (const Json& columns = left_out.at("unknown_columns"); !columns.empty())
    parts.push_back(format("columns nobody reads: {}", fmt::join(columns.get<std::vector<std::string>>(), ", ")));
  if (!parts.empty()) log_warning(format("{}: {}; \"data\" of the result lists all", data, fmt::join(parts, "; ")));
}

}  // namespace

void EvalSource::fields(FieldList& f) {
  f.add("data", data, "labelled records: JSON lines with \"target\", or a public data set (see `data inspect`)");
  f.add("split", flags.split, "of a public data set: only the files of this split (test, test_v1, validation…)");
  f.add("aspect", flags.aspect, "which question's answers, of sets that ask several; empty: the main one");
  f.add("format", flags.format, "its format (see `data inspect`); empty: found out from the columns");
  f.add("media_root", flags.media_root, "folder that relative media paths start from; empty: looked for near the records");
  f.add_range("limit", limit, 0, 1e12, "the first so many records; 0: all");
}

Json EvalSource::chosen() const {
  const data::DatasetOptions chosen = part_of(*this).options;
  Json out{{"data", data}};
  for (const auto& [name, value] : {std::pair("split", &chosen.split),
                                    {"aspect", &chosen.mapping.aspect},
                                    {"format", &chosen.format},
                                    {"media_root", &chosen.media_root}})
    if (!value->empty()) out[name] = *value;
  return out;
}

std::string EvalSource::name() const {
  const data::DataPart part = part_of(*this);
  fs::path path(part.path);
  if (path.filename().empty()) path = path.parent_path();
  std::string out = path.filename().string();
  if (!part.options.split.empty()) out += " " + part.options.split;
  return part.options.mapping.aspect.empty() ? out : out + ", " + part.options.mapping.aspect;
}

void check_source(const EvalSource& source, const eval::Protocol& protocol) {
  if (data::is_own_records(source.data)) return check_own_records(source);
  const data::DataPart part = part_of(source);
  check_one_split(part);
  check_split_of_protocol(part, protocol.name);
}

EvalRecords read_eval_records(const EvalSource& source, bool as_files) {
  EvalRecords out;
  const bool own = data::is_own_records(source.data);
  const std::unique_ptr<data::RecordStream> stream = as_files ? data::open_records(with_media_files(source)) : open_source(source);
  data::UniqueIds ids;  // a conversion has made them so
  Warnings bad;
  while (std::optional<data::Line> line = stream->next()) {
    if (!line->record) {
      bad.add(line->error);
      continue;
    }
    if (!own && !as_files) line->record->id = ids.give(line->record->id);
    for (data::MediaRef& ref : line->record->media) {
      out.had_bytes = out.had_bytes || ref.bytes != nullptr;
      ref.bytes.reset();
    }
    out.records.push_back(std::move(*line->record));
    if (source.limit > 0 && std::ssize(out.records) == source.limit) break;
  }
  out.bad = bad.count();
  out.left_out = left_out_of(*stream);
  if (as_files && !own) {
    const std::string made = source.output_dir + "/data/data.json";
    const Json report = read_json(made);
    out.bad += json_get<std::int64_t>(report, "left_out", 0, made);
    out.left_out = left_out_of_conversion(report);
  }
  if (!own) say_left_out(source.data, out.left_out);
  return out;
}

report::GalleryPictures pictures_in_rows(const EvalSource& source, const Json& errors) {
  std::map<std::string, std::set<std::size_t>> wanted;
  for (const Json& error : errors)
    for (const Json& place : error.at("pair")) wanted[error.at("id").get<std::string>()].insert(place.get<std::size_t>());
  report::GalleryPictures out;
  const std::unique_ptr<data::RecordStream> stream = wanted.empty() ? nullptr : open_source(source);
  data::UniqueIds ids;
  while (!wanted.empty()) {
    const std::optional<data::Line> line = stream->next();
    if (!line) break;
    const auto found = line->record ? wanted.find(ids.give(line->record->id)) : wanted.end();
    if (found == wanted.end()) continue;
    for (const std::size_t place : found->second) {
      const data::MediaRef& ref = line->record->media.at(place - 1);
      if (ref.bytes)
        out[report::gallery_key(found->first, place)] = report::load_picture(std::as_bytes(std::span(*ref.bytes)), ref.path, 180);
    }
    wanted.erase(found);
  }
  return out;
}

}  // namespace beholder::app
