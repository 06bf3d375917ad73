// The people of the embedded world. Every voter finds the same faults; what differs is how much each fault matters to
// them: a hidden linear taste, with Bradley-Terry noise on every vote. Since the taste is known, so is the best
// accuracy any judge can reach against their votes.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/rng.h"
#include "world/scene.h"

namespace beholder::world {

// Cost of each defect, in the order of Defect; a picture's penalty is the sum over its defects.
using Taste = std::array<double, kDefects>;

//                                       colour missing relation count blur noise warp flicker
inline constexpr Taste kUsualTaste = {2.4, 2.4, 0.3, 1.2, 0.3, 1.6, 0.15, 0.6};
inline constexpr Taste kOtherTaste = {0.4, 1.0, 2.2, 2.4, 1.8, 0.2, 1.2, 1.6};  // the out-of-distribution voters

double penalty(const Taste& taste, DefectSet defects);
// Chance that one voter prefers the first of two: sigmoid(penalty(second) - penalty(first)).
double preference(double penalty_first, double penalty_second);

// Each of `voters` people orders all media by -penalty + Gumbel noise (so that every pair follows Bradley-Terry).
struct Votes {
  int voters = 0;
  std::vector<int> first;    // how many put medium k first; for two media the votes it got
  std::vector<int> ranking;  // 1 = best, by mean place over the voters; equal mean = equal rank
};
Votes vote(Rng& rng, std::span<const double> penalties, int voters);

// Chance that the majority of `voters` (odd) votes prefers the first medium, each vote doing so with chance p.
double majority_chance(double p, int voters);
// Chance that the best possible judge, which knows p, agrees with that majority; 0.5 where p = 0.5.
double bayes_accuracy(double p, int voters);
// The same for the naive rule: fewer defects wins, a tie is half right.
double naive_accuracy(int defects_first, int defects_second, double p, int voters);

}  // namespace beholder::world
