#include "checklist/pairs.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>

#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "data/dataset.h"
#include "data/jsonl.h"

namespace beholder::checklist {
namespace {

class PairReader {
 public:
  PairReader(const Checklist& list, const AnswerTable& table, Coding coding) : list_(list), table_(table), coding_(coding) {
    set_.features = features_of(list).size();
  }

  void take(const data::Record& pair) {
    const AnswerSheet* sides[2] = {};
    for (std::size_t k = 0; k < 2; ++k) {
      sides[k] = table_.find(media_key(pair.media[k]), pair.prompt);
      if (sides[k]) continue;
      warnings_.add(format("record {}: no answers for {}", pair.id, pair.media[k].name()));
      ++set_.without_answers;
      return;
    }
    const std::vector<double> a = values_of(list_, *sides[0], coding_), b = values_of(list_, *sides[1], coding_);
    AnswerPair out{.x = a,
                   .label = pair.target.q > 0.5   ? 1
                            : pair.target.q < 0.5 ? -1
                                                  : 0,
                   .prompt = prompt(pair.prompt),
                   .share = pair.target.q,
                   .votes = pair.target.votes};
    for (std::size_t j = 0; j < a.size(); ++j) out.x[j] = a[j] - b[j];
    set_.pairs.push_back(std::move(out));
  }

  PairSet set_;

 private:
  std::size_t prompt(const std::string& text) {
    const auto [it, fresh] = prompts_.emplace(text, set_.prompts.size());
    if (fresh) set_.prompts.push_back(text);
    return it->second;
  }

  const Checklist& list_;
  const AnswerTable& table_;
  Coding coding_;
  Warnings warnings_;
  std::map<std::string, std::size_t> prompts_;
};

}  // namespace

std::int64_t PairSet::ties() const {
  return std::count_if(pairs.begin(), pairs.end(), [](const AnswerPair& p) { return p.label == 0; });
}

PairSet read_pairs(const std::string& path, const Checklist& list, const AnswerTable& table, Coding coding) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Code::kNotFound, path, "no such file, or it cannot be read", "check the path");
  std::unique_ptr<data::RecordStream> records;
  if (!data::is_own_records(path))
    records = data::open_records(path);
  else
    records = std::make_unique<data::RecordReader>(file, path);  // media are names here: they stay as they are
  PairReader pairs(list, table, coding);
  Warnings bad;
  while (const auto line = records->next()) {
    if (!line->record) {
      bad.add(format("left out {}", line->error));
      ++pairs.set_.bad_records;
      continue;
    }
    const std::vector<data::Record> expanded = data::expand_pairs(*line->record);
    pairs.set_.unlabelled += expanded.empty() ? 1 : 0;
    for (const data::Record& pair : expanded) pairs.take(pair);
  }
  if (pairs.set_.without_answers > 0) log_warning(format("{} pairs are left out: a medium has no answers", pairs.set_.without_answers));
  return std::move(pairs.set_);
}

std::vector<std::size_t> untied(const PairSet& set) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < set.pairs.size(); ++i)
    if (set.pairs[i].label != 0) out.push_back(i);
  return out;
}

std::vector<std::size_t> fitted(const PairSet& set, Choices choices) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < set.pairs.size(); ++i)
    if (set.pairs[i].label != 0 || (choices == Choices::kVotes && set.pairs[i].votes > 0)) out.push_back(i);
  return out;
}

LogisticProblem problem_of(const PairSet& set, const std::vector<std::size_t>& chosen, Choices choices,
                           std::vector<std::size_t>* pair_of_row) {
  LogisticProblem p;
  p.features = set.features;
  const auto add = [&](std::size_t i, int sign, double count) {
    if (!(count > 0)) return;
    p.x.insert(p.x.end(), set.pairs[i].x.begin(), set.pairs[i].x.end());
    p.sign.push_back(sign);
    p.count.push_back(count);
    if (pair_of_row) pair_of_row->push_back(i);
  };
  for (const std::size_t i : chosen) {
    const AnswerPair& pair = set.pairs[i];
    const double votes = std::max(1, pair.votes);
    if (choices == Choices::kMajority) {
      if (pair.label != 0) add(i, pair.label, 1);
    } else if (pair.label != 0 || pair.votes > 0) {
      const double share = pair.share.value_or(pair.label > 0 ? 1 : 0);
      add(i, 1, votes * share);
      add(i, -1, votes * (1 - share));
    }
  }
  return p;
}

}  // namespace beholder::checklist
