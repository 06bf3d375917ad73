// Somebody else's numbers: JSON lines {"id","scores":[one per medium, higher = better]}. A score may be null: the judge gave none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/record.h"

namespace beholder::eval {

struct ScoresFile {
  std::map<std::string, std::vector<std::optional<double>>> scores;  // by id
  std::int64_t bad_lines = 0;                                        // each was reported with its number
};

// kNotFound; kInvalidInput where an id stands there twice, or no line can be read. Bad lines (no JSON, no scores, a number that is not
// finite) are warned about and counted: their records are missing.
ScoresFile read_scores(const std::string& path);

// Scores of a record, empty where the file has none. kInvalidInput where their number is not that of the media.
std::vector<std::optional<double>> scores_of(const ScoresFile& file, const data::Record& record);

}  // namespace beholder::eval
