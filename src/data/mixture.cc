#include "data/mixture.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <numeric>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "core/sha256.h"
#include "data/data_part.h"
#include "data/jsonl.h"
#include "data/media_out.h"
#include "data/unique_ids.h"

namespace beholder::data {
namespace fs = std::filesystem;
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

MixturePart parse_part(const std::string& text, const std::string& whole) {
  MixturePart part{trimmed(text), 1};
  const std::size_t star = part.path.rfind(" * ");
  if (star != std::string::npos) {
    const std::string weight = trimmed(part.path.substr(star + 3));
    const auto [end, error] = std::from_chars(weight.data(), weight.data() + weight.size(), part.weight);
    if (error != std::errc() || end != weight.data() + weight.size() || !(part.weight > 0) || part.weight > 1e9)
      throw Error(Code::kUsage, whole, format("\"{}\" is no weight above 0", weight), "write PATH * 0.7 + PATH * 0.3");
    part.path = trimmed(part.path.substr(0, star));
  }
  if (parse_data_part(part.path).path.empty())
    throw Error(Code::kUsage, whole, "a part of the mixture has no path", "write PATH * 0.7 + PATH * 0.3");
  return part;
}

// Which records a source gives: whole rounds, then some drawn without replacement; in the source's order, to be read in one go.
std::vector<std::int64_t> times_given(std::int64_t available, std::int64_t wanted, std::uint64_t seed, std::size_t part) {
  std::vector<std::int64_t> times(static_cast<std::size_t>(available), wanted / available);
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng(seed, stable_hash("mixture"), part).shuffle(order);
  for (std::int64_t i = 0; i < wanted % available; ++i) ++times[order[static_cast<std::size_t>(i)]];
  return times;
}

// A mixture that is written without spaces is one path, of a file that is not there.
void check_spaces(const MixturePart& part) {
  const std::string path = parse_data_part(part.path).path;
  std::error_code ignored;
  if (path.find_first_of("*+") != std::string::npos && !fs::exists(path, ignored))
    throw Error(Code::kNotFound, path, "no such file", "check the path; a mixture is written with spaces: 'A * 0.7 + B * 0.3'");
}

template <class Use>
void for_each_record(const std::string& path, const Use& use) {
  RecordReader reader(path);
  while (std::optional<Line> line = reader.next())
    if (line->record) use(*line->record);
}

}  // namespace

std::vector<MixturePart> parse_mixture(const std::string& text) {
  std::error_code ignored;
  if (fs::exists(text, ignored)) return {{text, 1}};
  std::vector<MixturePart> parts;
  for (std::size_t begin = 0; begin != std::string::npos;) {
    const std::size_t plus = text.find(" + ", begin);
    parts.push_back(parse_part(text.substr(begin, plus == std::string::npos ? plus : plus - begin), text));
    begin = plus == std::string::npos ? plus : plus + 3;
  }
  return parts;
}

std::vector<std::int64_t> mixture_counts(const std::vector<std::int64_t>& sizes, const std::vector<double>& weights) {
  const auto total = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  const double weight = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::int64_t> counts;
  double before = 0;
  for (const double w : weights) {  // rounding the running sum keeps the total
    const double after = before + total * w / weight;
    counts.push_back(std::llround(after) - std::llround(before));
    before = after;
  }
  return counts;
}

Json write_mixture(const std::vector<MixturePart>& parts, const std::string& path, std::uint64_t seed) {
  std::vector<std::int64_t> sizes;
  std::vector<double> weights;
  for (const MixturePart& part : parts) {
    std::int64_t size = 0;
    for_each_record(part.path, [&](const Record&) { ++size; });
    if (size == 0) throw Error(Code::kInvalidInput, part.path, "has no record to mix in", "leave it out of the mixture, or mend its lines");
    sizes.push_back(size);
    weights.push_back(part.weight);
  }
  const std::vector<std::int64_t> counts = mixture_counts(sizes, weights);
  Json report = {{"records", path}, {"parts", Json::array()}};
  MediaOut place(fs::path(path).parent_path().string());
  UniqueIds ids;
  write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) {
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const std::vector<std::int64_t> times = times_given(sizes[k], counts[k], seed, k);
      std::size_t at = 0;
      for_each_record(parts[k].path, [&](Record& record) {
        for (MediaRef& ref : record.media) place.place(ref, {});
        const std::string id = record.id;
        for (std::int64_t round = 0; round < times[at]; ++round) {
          record.id = ids.give(id);
          sink(json_line(record_to_json(record)) + "\n");
        }
        ++at;
      });
      report["parts"].push_back({{"path", parts[k].path}, {"weight", parts[k].weight}, {"records", counts[k]}, {"available", sizes[k]}});
    }
  });
  return report;
}

std::string prepare_training_records(const ConvertOptions& options) {
  if (options.path.empty()) return {};
  std::vector<MixturePart> parts = parse_mixture(options.path);
  for (const MixturePart& part : parts) check_spaces(part);
  ConvertOptions one = options;
  if (parts.size() == 1) {
    one.path = parts[0].path;
    return prepare_records(one);
  }
  std::string identity = options.path;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    one.path = parts[k].path;
    one.out = format("{}/part-{}", options.out, k + 1);
    parts[k].path = prepare_records(one);
    std::error_code ignored;
    identity += format("\n{} {} {} {}", parts[k].path, parts[k].weight, fs::file_size(parts[k].path, ignored),
                       fs::last_write_time(parts[k].path, ignored).time_since_epoch().count());
  }
  identity = sha256_hex(identity + std::to_string(options.seed));
  const std::string records = options.out + "/records.jsonl", report = options.out + "/data.json";
  if (fs::exists(records) && fs::exists(report) && json_get<std::string>(read_json(report), "identity", "", report) == identity)
    return records;
  Json mixed = write_mixture(parts, records, options.seed);
  mixed["identity"] = identity;
  write_file_atomic(report, mixed.dump(1) + "\n");
  return records;
}

}  // namespace beholder::data
