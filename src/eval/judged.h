// What an evaluation looks at: labelled records joined with what a judge said about them. Protocols, calibration and
// breakdowns are pure functions of a JudgedSet; where the verdicts came from (a model, or a file of scores) is not known here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/record.h"

namespace beholder::eval {

enum class Reading {
  kRead,
  kUnparsed,  // the judge was asked and nothing could be read from its answer
  kMissing,   // the judge was not asked, or could not be (a picture that does not open)
};

// The four answers of GenAI-Bench about a pair.
enum class FourWay { kFirst, kSecond, kBothGood, kBothBad };
// "leftvote", "rightvote", "tievote", "bothbad_vote" (or "bothbad"), as the public data spell them; nothing for another word.
std::optional<FourWay> parse_four_way(std::string_view word);

// What a judge said about one pair of media; "first" is the one that comes first in the record.
struct PairVerdict {
  Reading reading = Reading::kMissing;
  double margin = 0;                    // above 0: prefers the first; 0: a tie. A score difference, or p(first) - p(second)
  std::optional<double> p;              // probability that the first is preferred; none for scores without a scale
  std::optional<double> p_shown_first;  // the same, by the place where the judge saw the first medium
  std::optional<double> p_shown_second;
  int unread_orders = 0;              // orders that were asked and could not be read
  std::optional<double> heard;        // a listener's probability of the first, after the judge's thoughts
  std::optional<FourWay> four_way{};  // of a judge that tells good ties from bad ones
};

// About one record: the pairs i < j in lexicographic order, and a score per medium where there is one (higher = better).
struct RecordVerdict {
  std::vector<PairVerdict> pairs;
  std::vector<std::optional<double>> scores;
};

struct JudgedPair {
  std::size_t record = 0;     // of JudgedSet::records
  int first = 0, second = 1;  // media of the record, 0-based
  double q = 0.5;             // label: share of people who prefer the first
  int votes = 0;              // behind q; 0: not known
  PairVerdict verdict;
  std::optional<double> score_margin;  // difference of the record's scores
  std::optional<FourWay> four_way{};   // label, where the record's meta has a "vote_type"

  int label() const { return q > 0.5 ? 1 : q < 0.5 ? -1 : 0; }  // 0: people are tied
  bool was_read() const { return verdict.reading == Reading::kRead; }
};

using ModelPair = std::array<std::string, 2>;  // who made media 1 and 2

struct JudgedRecord {
  std::size_t source = 0;          // index in the records that were joined
  std::size_t prompt = 0;          // of JudgedSet::prompts: what the bootstrap draws
  std::size_t unit = 0;            // what macro averages are taken over: the record where it is a ranking, else its prompt
  std::size_t begin = 0, end = 0;  // of JudgedSet::pairs
  std::vector<int> ranking;        // empty where the label is a pair
  std::vector<std::optional<double>> scores;
  ModelPair models{};  // of a pair, where its meta says so
};

struct JudgedSet {
  std::vector<JudgedRecord> records;  // those with a label
  std::vector<JudgedPair> pairs;
  std::vector<std::string> prompts;  // different texts
  std::size_t units = 0;
  std::int64_t unlabelled = 0;  // records without a target, left out
};

// `verdict` is asked once per labelled record; fewer pairs than the record has are kMissing. kInvalidInput where no record has
// a label, or two have one id.
JudgedSet join(const std::vector<data::Record>& records, const std::function<RecordVerdict(const data::Record&)>& verdict);

// The verdict of a judge that gives scores. A pair with a medium that has none is kUnparsed. With `scale` above 0,
// p = sigmoid(scale * (s_i - s_j)); with 0 there is no p.
RecordVerdict verdict_of_scores(const std::vector<std::optional<double>>& scores, double scale);

}  // namespace beholder::eval
