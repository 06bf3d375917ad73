#include "eval/scores_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/progress.h"

namespace beholder::eval {
namespace {

std::vector<std::optional<double>> parse_scores(const Json& line, const std::string& where) {
  const auto found = line.is_object() ? line.find("scores") : line.end();
  if (line.is_object() && found == line.end() && line.contains("vote_type")) return {};
  if (!line.is_object() || found == line.end() || !found->is_array())
    throw Error(Code::kInvalidInput, where, "has no list \"scores\"", R"(each line is {"id":…,"scores":[…]})");
  std::vector<std::optional<double>> scores;
  for (const Json& score : *found) {
    if (score.is_null()) {
      scores.emplace_back();
      continue;
    }
    if (!score.is_number() || !std::isfinite(score.get<double>()))
      throw Error(Code::kInvalidInput, where, format("a score is {}, not a number", json_line(score).substr(0, 40)),
                  "write null where there is none");
    scores.emplace_back(score.get<double>());
  }
  return scores;
}

std::optional<FourWay> parse_vote(const Json& line, const std::string& where) {
  const auto found = line.find("vote_type");
  if (found == line.end()) return std::nullopt;
  const auto vote = found->is_string() ? parse_four_way(found->get<std::string>()) : std::nullopt;
  if (!vote)
    throw Error(Code::kInvalidInput, where, format("its vote_type is {}", json_line(*found).substr(0, 40)),
                "write leftvote, rightvote, tievote or bothbad_vote");
  return vote;
}

std::vector<std::optional<double>> scores_of(FourWay vote) {
  return {vote == FourWay::kFirst ? 1.0 : 0.0, vote == FourWay::kSecond ? 1.0 : 0.0};
}

// A line about one medium, {"id":"RECORD#2","score":x}, as `checklist score` writes them.
bool is_of_medium(const Json& line) {
  return line.is_object() && line.contains("score") && !line.contains("scores");
}

// Of medium 1, 2, … of a record; what no line tells stays empty. False where it was told before.
bool add_medium(const std::string& id, const Json& score, const std::string& where, ScoresFile& out) {
  constexpr std::size_t kMost = 1 << 16;
  const std::size_t hash = id.rfind('#');
  std::size_t number = 0;
  const char* const end = id.data() + id.size();
  if (hash == std::string::npos || std::from_chars(id.data() + hash + 1, end, number).ptr != end || number < 1 || number > kMost)
    throw Error(Code::kInvalidInput, where, format("the id \"{}\" names no medium", id), R"(with "score" it is RECORD#1, RECORD#2 …)");
  const std::vector<std::optional<double>> value = parse_scores(Json{{"scores", {score}}}, where);
  std::vector<std::optional<double>>& scores = out.scores[id.substr(0, hash)];
  scores.resize(std::max(scores.size(), number));
  if (scores[number - 1]) return false;
  scores[number - 1] = value[0];
  out.by_medium.insert(id.substr(0, hash));
  return true;
}

std::string parse_id(const Json& line, const std::string& where) {
  const auto found = line.is_object() ? line.find("id") : line.end();
  if (!line.is_object() || found == line.end() || !(found->is_string() || found->is_number_integer()))
    throw Error(Code::kInvalidInput, where, "has no \"id\"", "it is the id of a record");
  return found->is_string() ? found->get<std::string>() : found->dump();
}

bool add_record(const std::string& id, const Json& line, const std::string& where, ScoresFile& out) {
  std::vector<std::optional<double>> scores = parse_scores(line, where);
  const std::optional<FourWay> vote = parse_vote(line, where);
  if (vote) out.votes.emplace(id, *vote);
  if (scores.empty() && vote) scores = scores_of(*vote);
  return out.scores.emplace(id, std::move(scores)).second;
}

}  // namespace

ScoresFile read_scores(const std::string& path) {
  ScoresFile out;
  const std::string text = read_file(path);
  std::int64_t number = 0;
  Warnings bad;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string where = format("{}:{}", path, number);
    std::string id;
    try {
      const Json json = parse_json(line, where);
      id = parse_id(json, where);
      if (is_of_medium(json) ? add_medium(id, json["score"], where, out) : add_record(id, json, where, out)) continue;
    } catch (const Error& e) {
      bad.add(e.what());
      ++out.bad_lines;
      continue;
    }
    throw Error(Code::kInvalidInput, where, format("the id \"{}\" stands there twice", id), "keep one line for each");
  }
  if (out.scores.empty()) throw Error(Code::kInvalidInput, path, "holds no scores", R"(each line is {"id":…,"scores":[…]})");
  return out;
}

RecordVerdict verdict_of(const ScoresFile& file, const data::Record& record, double scale) {
  const auto found = file.scores.find(record.id);
  if (found == file.scores.end()) return {};
  std::vector<std::optional<double>> scores = found->second;
  if (file.by_medium.contains(record.id)) scores.resize(std::max(scores.size(), record.media.size()));
  if (scores.size() != record.media.size())
    throw Error(Code::kInvalidInput, record.id, format("{} scores for {} media", scores.size(), record.media.size()),
                "give one score per medium, in the record's order");
  RecordVerdict out = verdict_of_scores(scores, scale);
  const auto vote = file.votes.find(record.id);
  if (vote == file.votes.end()) return out;
  if (out.pairs.size() != 1)
    throw Error(Code::kInvalidInput, record.id, format("a vote_type about {} media", record.media.size()), "it is about two");
  out.pairs[0].four_way = vote->second;
  return out;
}

}  // namespace beholder::eval
