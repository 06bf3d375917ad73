// Where a judge is right and where it is not: by how far people's opinions lie apart, by how many voted, by whether a listener agrees;
// and what the order of the media does to it.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "eval/judged.h"

namespace beholder::eval {

// How far apart people see a pair: "rank +2" for rankings, "share 0.75-1" (of |2q - 1|) for pairs; ties have none ("").
std::string gap_name(const JudgedSet& set, const JudgedPair& pair);

// {"metrics": {name: {"value","interval","n"}}, "by_gap": […], "by_votes": […], "by_listener": […],
//  "position": {"consistency","first_lean","by_gap"}, "calibration": {…}, "win_matrix": {…}, "model_wins": {…}}
// metrics: accuracy (label ties left out; predicted ties and unread answers are wrong), brier and nll against the label (pairs with a
// readable p), pearson and spearman with the share of votes, kendall_tau_b and spearman_rank (per ranking), contradiction.
// Position: consistency: both orders choose the same medium; first_lean: mean over pairs of p(shown first) over both orders, 0.5 for a
// judge without a lean. The win matrix is by people's ranks: mean p of the medium of the row's rank;
// model_wins: see eval/model_wins.h.
// Parts that the data cannot fill are absent.
Json breakdown(const JudgedSet& set);

// Equal-mass reliability of the readable, untied pairs with a p: {"ece","n","bins":[{"low","high","confidence","accuracy","n"}]}.
Json calibration_json(const JudgedSet& set);

// The pairs that the judge got wrong most surely, worst first: indices of set.pairs.
std::vector<std::size_t> worst_errors(const JudgedSet& set, std::size_t most);

}  // namespace beholder::eval
