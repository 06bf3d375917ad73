// Somebody else's numbers: JSON lines {"id","scores":[one per medium, higher = better]}. A score may be null: the judge gave none. Of a
// judge that scores media by themselves, as `checklist score` does, a line per medium: {"id":"RECORD#1","score":x}. Of a
// judge that answers as GenAI-Bench's voters do, {"id","vote_type":"leftvote"|"rightvote"|"tievote"|"bothbad_vote"}, with scores or
// without.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/record.h"
#include "eval/judged.h"

namespace beholder::eval {

struct ScoresFile {
  std::map<std::string, std::vector<std::optional<double>>> scores;  // by id
  std::map<std::string, FourWay> votes;                              // by id
  std::set<std::string> by_medium;                                   // ids whose scores came one by one
  std::int64_t bad_lines = 0;                                        // each was reported with its number
};

// kNotFound; kInvalidInput where an id stands there twice, or no line can be read. Bad lines (no JSON, no scores, a number that is not
// finite) are warned about and counted: their records are missing.
ScoresFile read_scores(const std::string& path);

// What the file says about a record; no pairs where it has nothing. A vote without scores counts as scores of 1 and 0, or 0 and 0.
// kInvalidInput where the number of scores is not that of the media, or a vote is about another number than two. `scale`: see
// verdict_of_scores.
RecordVerdict verdict_of(const ScoresFile& file, const data::Record& record, double scale);

}  // namespace beholder::eval
