#include "data/record.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"

namespace beholder::data {
namespace {

constexpr std::size_t kMaxFrames = 4096;

[[noreturn]] void bad(std::string_view where, const std::string& what, std::string_view fix = {}) {
  throw Error(Code::kInvalidInput, where, what, fix);
}

std::string need_text(const Json& value, const std::string& what, std::string_view where) {
  if (!value.is_string()) bad(where, format("{} is not a text: {}", what, json_line(value).substr(0, 80)));
  std::string text = value.get<std::string>();
  if (text.empty()) bad(where, what + " is empty");
  return text;
}

void note_unknown(const Json& object, std::initializer_list<std::string_view> known, std::string_view prefix,
                  std::set<std::string>* unknown) {
  if (!unknown) return;
  for (const auto& [key, value] : object.items()) {
    bool found = false;
    for (const std::string_view name : known) found = found || key == name;
    if (!found) unknown->insert(std::string(prefix) + key);
  }
}

MediaRef parse_media(const Json& value, const std::string& what, std::string_view where, std::set<std::string>* unknown) {
  MediaRef ref;
  if (!value.is_object()) {
    ref.path = need_text(value, what, where);
    return ref;
  }
  const auto frames = value.find("frames");
  if (frames == value.end() || !frames->is_array() || frames->empty())
    bad(where, what + " has no list \"frames\"", R"(write "file.png" or {"frames":["0.png","1.png"],"fps":2})");
  if (frames->size() > kMaxFrames) bad(where, format("{} has {} frames; the limit is {}", what, frames->size(), kMaxFrames));
  for (const Json& frame : *frames) ref.frames.push_back(need_text(frame, "a frame of " + what, where));
  const auto fps = value.find("fps");
  if (fps == value.end() || !fps->is_number()) bad(where, what + " has no number \"fps\"", "give the frames per second");
  ref.fps = fps->get<double>();
  if (!std::isfinite(ref.fps) || ref.fps <= 0) bad(where, format("{} has fps {}; it must be above 0", what, ref.fps));
  note_unknown(value, {"frames", "fps"}, "media.", unknown);
  return ref;
}

int need_int(const Json& value, const std::string& what, std::string_view where) {
  const bool fits = value.is_number_integer() && value >= 1 && value <= 1'000'000'000;
  if (!fits) bad(where, format("{} is not a whole number of 1 or more: {}", what, json_line(value).substr(0, 80)));
  return value.get<int>();
}

Target parse_pair(const Json& value, std::size_t media, std::string_view where) {
  const Json& pair = value["pair"];
  Target target;
  target.kind = Target::Kind::kPair;
  if (media != 2) bad(where, format("the target is a pair but there are {} media", media), "use {\"ranking\":[…]}");
  if (!pair.is_number()) bad(where, "\"pair\" is not a number: " + json_line(pair).substr(0, 80));
  target.q = pair.get<double>();
  if (!(target.q >= 0 && target.q <= 1)) bad(where, format("\"pair\" is {}; it is the share in 0..1 that prefers medium 1", target.q));
  if (value.contains("votes")) target.votes = need_int(value["votes"], "\"votes\"", where);
  return target;
}

Target parse_ranking(const Json& value, std::size_t media, std::string_view where) {
  const Json& ranking = value["ranking"];
  Target target;
  target.kind = Target::Kind::kRanking;
  if (media < 2) bad(where, "a ranking needs at least 2 media");
  if (!ranking.is_array() || ranking.size() != media) bad(where, format("\"ranking\" must list one rank for each of the {} media", media));
  for (const Json& rank : ranking) target.ranking.push_back(need_int(rank, "a rank", where));
  return target;
}

Target parse_target(const Json& value, std::size_t media, std::string_view where, std::set<std::string>* unknown) {
  const bool pair = value.is_object() && value.contains("pair");
  const bool ranking = value.is_object() && value.contains("ranking");
  if (pair == ranking)
    bad(where, "\"target\" must hold exactly one of \"pair\" and \"ranking\"", R"(write {"pair":0.8,"votes":5} or {"ranking":[1,2]})");
  note_unknown(value, {"pair", "ranking", "votes"}, "target.", unknown);
  return pair ? parse_pair(value, media, where) : parse_ranking(value, media, where);
}

}  // namespace

bool MediaRef::operator==(const MediaRef& other) const {
  const bool same_bytes = bytes && other.bytes ? *bytes == *other.bytes : !bytes && !other.bytes;
  return path == other.path && frames == other.frames && fps == other.fps && same_bytes;
}

Record parse_record(const Json& value, std::string_view where, std::set<std::string>* unknown) {
  if (!value.is_object()) bad(where, "is not a JSON object", R"(each line is {"id":…,"prompt":…,"media":[…],"target":…})");
  note_unknown(value, {"id", "prompt", "media", "target", "completion", "meta"}, "", unknown);
  for (const char* key : {"id", "prompt", "media"})
    if (!value.contains(key)) bad(where, format("the key \"{}\" is missing", key));
  Record record;
  record.id = value["id"].is_number_integer() ? value["id"].dump() : need_text(value["id"], "\"id\"", where);
  if (!value["prompt"].is_string()) bad(where, "\"prompt\" is not a text");
  record.prompt = value["prompt"].get<std::string>();
  const Json& media = value["media"];
  if (!media.is_array() || media.empty()) bad(where, "\"media\" is not a list of at least one file");
  if (media.size() > kMaxMedia) bad(where, format("\"media\" has {} entries; the limit is {}", media.size(), kMaxMedia));
  for (std::size_t i = 0; i < media.size(); ++i) record.media.push_back(parse_media(media[i], format("medium {}", i + 1), where, unknown));
  if (value.contains("target") && !value["target"].is_null()) record.target = parse_target(value["target"], media.size(), where, unknown);
  if (value.contains("completion")) record.completion = need_text(value["completion"], "\"completion\"", where);
  if (value.contains("meta") && !value["meta"].is_null()) {
    if (!value["meta"].is_object()) bad(where, "\"meta\" is not a JSON object");
    record.meta = value["meta"];
  }
  return record;
}

Json record_to_json(const Record& record) {
  Json media = Json::array();
  for (const MediaRef& ref : record.media)
    media.push_back(ref.is_frame_list() ? Json{{"frames", ref.frames}, {"fps", ref.fps}} : Json(ref.path));
  Json json{{"id", record.id}, {"prompt", record.prompt}, {"media", media}};
  if (record.target.kind == Target::Kind::kPair) json["target"] = Json{{"pair", record.target.q}};
  if (record.target.kind == Target::Kind::kPair && record.target.votes > 0) json["target"]["votes"] = record.target.votes;
  if (record.target.kind == Target::Kind::kRanking) json["target"] = Json{{"ranking", record.target.ranking}};
  if (!record.completion.empty()) json["completion"] = record.completion;
  if (!record.meta.is_null()) json["meta"] = record.meta;
  return json;
}

void resolve_media(Record& record, const std::string& folder) {
  const auto resolve = [&](std::string& path) {
    if (!folder.empty() && std::filesystem::path(path).is_relative()) path = (std::filesystem::path(folder) / path).string();
  };
  for (MediaRef& ref : record.media) {
    if (!ref.is_frame_list() && !ref.bytes) resolve(ref.path);
    for (std::string& frame : ref.frames) resolve(frame);
  }
}

Record reorder(const Record& record, const std::vector<int>& order) {
  require_internal(order.size() == record.media.size(), "reorder: one place per medium");
  Record out = record;
  for (std::size_t k = 0; k < order.size(); ++k) {
    out.media[k] = record.media.at(static_cast<std::size_t>(order[k]));
    if (record.target.kind == Target::Kind::kRanking) out.target.ranking[k] = record.target.ranking.at(static_cast<std::size_t>(order[k]));
  }
  if (record.target.kind == Target::Kind::kPair && order[0] == 1) out.target.q = 1 - record.target.q;
  return out;
}

std::vector<int> side_order(std::size_t media, std::uint64_t seed, std::uint64_t epoch, std::string_view id) {
  std::vector<int> order(media);
  std::iota(order.begin(), order.end(), 0);
  Rng rng(seed, stable_hash("sides"), epoch, stable_hash(id));
  rng.shuffle(order);
  return order;
}

Record shuffle_sides(const Record& record, std::uint64_t seed, std::uint64_t epoch) {
  if (!record.completion.empty()) return record;
  return reorder(record, side_order(record.media.size(), seed, epoch, record.id));
}

std::vector<Record> expand_pairs(const Record& record) {
  if (record.target.kind == Target::Kind::kNone) return {};
  if (record.target.kind == Target::Kind::kPair) return {record};
  std::vector<Record> pairs;
  const std::vector<int>& rank = record.target.ranking;
  for (std::size_t i = 0; i < rank.size(); ++i)
    for (std::size_t j = i + 1; j < rank.size(); ++j) {
      Record pair;
      pair.id = format("{}#{}-{}", record.id, i + 1, j + 1);
      pair.prompt = record.prompt;
      pair.meta = record.meta;
      pair.media = {record.media[i], record.media[j]};
      pair.target.kind = Target::Kind::kPair;
      pair.target.q = rank[i] == rank[j] ? 0.5 : rank[i] < rank[j] ? 1.0 : 0.0;
      pairs.push_back(std::move(pair));
    }
  return pairs;
}

PairCounts count_pairs(const Target& target) {
  if (target.kind == Target::Kind::kNone) return {};
  if (target.kind == Target::Kind::kPair)
    return {.pairs = 1, .ties = target.q == 0.5, .soft = target.q != 0.5 && target.q != 0 && target.q != 1};
  std::vector<int> ranks = target.ranking;
  std::sort(ranks.begin(), ranks.end());
  PairCounts counts;
  std::int64_t same = 0;  // before this one, with its rank
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    same = i > 0 && ranks[i] == ranks[i - 1] ? same + 1 : 0;
    counts.pairs += static_cast<std::int64_t>(i);
    counts.ties += same;
  }
  return counts;
}

}  // namespace beholder::data
