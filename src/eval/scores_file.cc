#include "eval/scores_file.h"

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

std::string parse_id(const Json& line, const std::string& where) {
  const auto found = line.is_object() ? line.find("id") : line.end();
  if (!line.is_object() || found == line.end() || !(found->is_string() || found->is_number_integer()))
    throw Error(Code::kInvalidInput, where, "has no \"id\"", "it is the id of a record");
  return found->is_string() ? found->get<std::string>() : found->dump();
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
      std::vector<std::optional<double>> scores = parse_scores(json, where);
      const std::optional<FourWay> vote = parse_vote(json, where);
      if (vote) out.votes.emplace(id, *vote);
      if (scores.empty() && vote) scores = scores_of(*vote);
      if (out.scores.emplace(id, std::move(scores)).second) continue;
    } catch (const Error& e) {
      bad.add(e.what());
      ++out.bad_lines;
      continue;
    }
    throw Error(Code::kInvalidInput, where, format("the id \"{}\" stands there twice", id), "keep one line per record");
  }
  if (out.scores.empty()) throw Error(Code::kInvalidInput, path, "holds no scores", R"(each line is {"id":…,"scores":[…]})");
  return out;
}

RecordVerdict verdict_of(const ScoresFile& file, const data::Record& record, double scale) {
  const auto found = file.scores.find(record.id);
  if (found == file.scores.end()) return {};
  if (found->second.size() != record.media.size())
    throw Error(Code::kInvalidInput, record.id, format("{} scores for {} media", found->second.size(), record.media.size()),
                "give one score per medium, in the record's order");
  RecordVerdict out = verdict_of_scores(found->second, scale);
  const auto vote = file.votes.find(record.id);
  if (vote == file.votes.end()) return out;
  if (out.pairs.size() != 1)
    throw Error(Code::kInvalidInput, record.id, format("a vote_type about {} media", record.media.size()), "it is about two");
  out.pairs[0].four_way = vote->second;
  return out;
}

}  // namespace beholder::eval
