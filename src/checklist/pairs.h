// Human choices between media whose answers are known: what weights are fit to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checklist/answers.h"
#include "checklist/logistic.h"
#include "checklist/score.h"

namespace beholder::checklist {

struct AnswerPair {
  std::vector<double> x;             // values of the first minus those of the second
  int label = 0;                     // of the majority: +1 the first was preferred, -1 the second, 0 a tie
  std::size_t prompt = 0;            // index into PairSet::prompts
  std::optional<double> share = {};  // of the votes, those for the first; empty: all of them went the label's way
  int votes = 0;                     // how many there were; 0: not known
};

struct PairSet {
  std::size_t features = 0;
  std::vector<AnswerPair> pairs;
  std::vector<std::string> prompts;
  std::int64_t bad_records = 0, without_answers = 0, unlabelled = 0;  // lines that are no records; pairs of which a medium has no
                                                                      // answers; records without a target

  std::int64_t ties() const;
};

// Preference records (docs/FORMATS.md; rankings become pairs) whose media are ids or media of the table. Lines that are left out are logged
// and counted.
PairSet read_pairs(const std::string& path, const Checklist& list, const AnswerTable& table, Coding coding);

// What a fit makes of a pair that several people voted on.
enum class Choices {
  kVotes,     // every vote counts: k q times the first and k (1 - q) times the second, k the number of votes (1 where it is not known)
  kMajority,  // one choice, that of the majority; one half is a tie and left out (VisionReward)
};

// `chosen`, indices into set.pairs, as a problem of one row per choice; `pair_of_row`, where given, says whose row it is.
LogisticProblem problem_of(const PairSet& set, const std::vector<std::size_t>& chosen, Choices choices,
                           std::vector<std::size_t>* pair_of_row = nullptr);
// All that have a majority.
std::vector<std::size_t> untied(const PairSet& set);
// All that a fit can use: those, and with kVotes ties that were voted on.
std::vector<std::size_t> fitted(const PairSet& set, Choices choices);

}  // namespace beholder::checklist
