// Human choices between media whose answers are known: what weights are fit to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checklist/answers.h"
#include "checklist/logistic.h"
#include "checklist/score.h"

namespace beholder::checklist {

struct AnswerPair {
  std::vector<double> x;   // values of the first minus those of the second
  int label = 0;           // +1 the first was preferred, -1 the second, 0 a tie
  std::size_t prompt = 0;  // index into PairSet::prompts
};

struct PairSet {
  std::size_t features = 0;
  std::vector<AnswerPair> pairs;
  std::vector<std::string> prompts;
  std::int64_t bad_records = 0, without_answers = 0, unlabelled = 0;  // lines that are no records; pairs of which a medium has no
                                                                      // answers; records without a target

  std::int64_t ties() const;
};

// Preference records (docs/FORMATS.md; rankings become pairs) whose media are ids or media of the table. Vote shares count as the
// majority's choice, one half as a tie. Lines that are left out are logged and counted.
PairSet read_pairs(const std::string& path, const Checklist& list, const AnswerTable& table, Coding coding);

// The pairs that are no ties, as a problem. `chosen`: indices into set.pairs.
LogisticProblem problem_of(const PairSet& set, const std::vector<std::size_t>& chosen);
// All that are no ties.
std::vector<std::size_t> untied(const PairSet& set);

}  // namespace beholder::checklist
