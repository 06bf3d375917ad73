#include "eval/judged.h"

#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/format.h"
#include "eval/model_wins.h"

namespace beholder::eval {
namespace {

using Kind = data::Target::Kind;

double label_of(const data::Target& target, std::size_t i, std::size_t j) {
  if (target.kind == Kind::kPair) return target.q;
  return target.ranking[i] == target.ranking[j] ? 0.5 : target.ranking[i] < target.ranking[j] ? 1.0 : 0.0;
}

std::optional<FourWay> four_way_of(const data::Record& record) {
  if (record.target.kind != Kind::kPair || !record.meta.is_object()) return std::nullopt;
  const auto word = record.meta.find("vote_type");
  return word != record.meta.end() && word->is_string() ? parse_four_way(word->get<std::string>()) : std::nullopt;
}

void add_pairs(const data::Record& source, const RecordVerdict& verdict, JudgedSet& set, JudgedRecord& record) {
  const std::size_t k = source.media.size();
  record.begin = set.pairs.size();
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = i + 1; j < k; ++j) {
      JudgedPair pair;
      pair.record = set.records.size();
      pair.first = static_cast<int>(i);
      pair.second = static_cast<int>(j);
      pair.q = label_of(source.target, i, j);
      pair.votes = source.target.votes;
      pair.four_way = four_way_of(source);
      const std::size_t at = set.pairs.size() - record.begin;
      if (at < verdict.pairs.size()) pair.verdict = verdict.pairs[at];
      if (verdict.scores.size() == k && verdict.scores[i] && verdict.scores[j]) pair.score_margin = *verdict.scores[i] - *verdict.scores[j];
      set.pairs.push_back(std::move(pair));
    }
  record.end = set.pairs.size();
}

}  // namespace

std::optional<FourWay> parse_four_way(std::string_view word) {
  if (word == "leftvote") return FourWay::kFirst;
  if (word == "rightvote") return FourWay::kSecond;
  if (word == "tievote") return FourWay::kBothGood;
  if (word == "bothbad_vote" || word == "bothbad") return FourWay::kBothBad;
  return std::nullopt;
}

JudgedSet join(const std::vector<data::Record>& records, const std::function<RecordVerdict(const data::Record&)>& verdict) {
  JudgedSet set;
  std::map<std::string, std::size_t> prompts, unit_of_prompt;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const data::Record& source = records[i];
    if (source.target.kind == Kind::kNone) {
      ++set.unlabelled;
      continue;
    }
    if (!ids.insert(source.id).second)
      throw Error(Code::kInvalidInput, source.id, "two records have this id", "give each record an id of its own");
    JudgedRecord record;
    record.source = i;
    record.prompt = prompts.emplace(source.prompt, prompts.size()).first->second;
    if (record.prompt == set.prompts.size()) set.prompts.push_back(source.prompt);
    record.ranking = source.target.ranking;
    record.models = models_of(source);
    const bool own = source.target.kind == Kind::kRanking;
    const auto known = unit_of_prompt.find(source.prompt);
    record.unit = !own && known != unit_of_prompt.end() ? known->second : set.units++;
    if (!own) unit_of_prompt.emplace(source.prompt, record.unit);
    RecordVerdict said = verdict(source);
    add_pairs(source, said, set, record);
    record.scores = std::move(said.scores);
    set.records.push_back(std::move(record));
  }
  if (set.records.empty())
    throw Error(Code::kInvalidInput, "records", format("none of {} has a target", records.size()),
                R"(give "target": {"pair":q} or {"ranking":[…]})");
  return set;
}

RecordVerdict verdict_of_scores(const std::vector<std::optional<double>>& scores, double scale) {
  RecordVerdict out;
  out.scores = scores;
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (std::size_t j = i + 1; j < scores.size(); ++j) {
      PairVerdict pair;
      pair.reading = scores[i] && scores[j] ? Reading::kRead : Reading::kUnparsed;
      if (pair.reading == Reading::kRead) {
        pair.margin = *scores[i] - *scores[j];
        if (scale > 0) pair.p = 1 / (1 + std::exp(-scale * pair.margin));
      }
      out.pairs.push_back(pair);
    }
  return out;
}

}  // namespace beholder::eval
