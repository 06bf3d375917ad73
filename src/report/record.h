// The records of rank, compare and score (docs/FORMATS.md), checked and turned to one shape that pages are made from. This room
// knows the JSON only, not the judge.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "report/svg.h"

namespace beholder::report {

// A thought, and the media it numbers 1, 2, … as indices into Judged::media.
struct Reason {
  std::string thought;
  std::vector<int> shown;
};

struct JudgedMedium {
  std::string path, label;  // as recorded; without the folder that all media of the record share
  int rank = 0;             // 1 = best; 0: not ranked
  double value = 0, low = 0, high = 0;
  Share share;  // the same on an axis from 0 to 1: win probability, or score / 10
  bool has_value = true;
  std::optional<Reason> reason;
  std::vector<double> votes;  // scores
  std::string problem;        // why there is no value
};

struct PairVote {
  bool left_first = true;  // the judge saw the left medium as number 1
  bool parsed = false;
  int choice = 0;  // -1 left, 1 right, 0 neither
  double p = 0.5;  // that the left one is preferred
  Reason reason;
  std::vector<double> scores;  // left, right
  std::string problem, completion;
};

// Two media compared, the better ranked one on the left.
struct PairVerdict {
  int left = 0, right = 1;                            // media
  double p = 0.5;                                     // that the left one is preferred
  std::optional<double> p_left_first, p_right_first;  // the same, by the order shown; empty: not asked or not readable
  std::optional<bool> consistent;
  std::vector<PairVote> votes;
};

// One context with all media.
struct ListVote {
  Reason reason;
  bool parsed = false;
  int choice = -1;        // medium
  std::vector<double> p;  // per medium of Judged::media; NaN where it was not shown
  std::string problem, completion;
};

struct Judged {
  enum class Kind { kRanking, kComparison, kScores, kFailed };
  Kind kind = Kind::kFailed;
  std::string id, prompt, strategy;
  std::vector<JudgedMedium> media;  // best first; a comparison's in its own order
  std::vector<PairVerdict> pairs;   // by rank of the left, then of the right one
  std::vector<ListVote> list_votes;
  std::int64_t comparisons = 0, unparsed = 0, prompt_tokens = 0, completion_tokens = 0;
  std::optional<double> expected_tau;  // adaptive
  int votes = 0;                       // per order; 0: not recorded
  std::optional<bool> both_orders;
  double seconds = 0;
  std::vector<std::pair<std::string, std::string>> skipped;  // medium, error
  std::string error_code, error;                             // kFailed

  bool by_odds() const { return strategy == "pairs" || strategy == "adaptive"; }  // strength is a log-odds, not a share
};

// Throws kCorrupt for a record of another shape, naming `where`.
Judged read_judged(const Json& record, std::string_view where);

// Votes preferring the medium that was shown first, and votes that prefer one, over all pairs: a judge without a bias has half.
std::pair<int, int> first_shown_preferred(const Judged& judged);

}  // namespace beholder::report
