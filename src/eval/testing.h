// For this room's tests: records with a label, and judges that give scores.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/judged.h"

namespace beholder::eval {

using Scores = std::vector<std::optional<double>>;

inline data::Record ranked(const std::string& id, std::vector<int> ranking) {
  data::Record record;
  record.id = id;
  record.prompt = "prompt of " + id;
  record.media.resize(ranking.size());
  record.target.kind = data::Target::Kind::kRanking;
  record.target.ranking = std::move(ranking);
  return record;
}

inline data::Record voted(const std::string& id, double q, int votes = 0) {
  data::Record record;
  record.id = id;
  record.prompt = "one prompt";
  record.media.resize(2);
  record.target = {.kind = data::Target::Kind::kPair, .q = q, .votes = votes, .ranking = {}};
  return record;
}

inline JudgedSet judged(const std::vector<data::Record>& records, const std::map<std::string, Scores>& scores, double scale = 0) {
  return join(records, [&](const data::Record& record) {
    const auto found = scores.find(record.id);
    return found == scores.end() ? RecordVerdict{} : verdict_of_scores(found->second, scale);
  });
}

}  // namespace beholder::eval
