// What asking more of a judge buys on the embedded world: K sampled thoughts in each order, measured beside the greedy answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/json.h"
#include "eval/vote_curve.h"
#include "judge/judge.h"
#include "world/item.h"

namespace beholder::app {

class WorldVotes {
 public:
  // `options`: as of the greedy answer; thoughts are sampled at temperature 1.
  WorldVotes(const judge::JudgeOptions& options, std::int64_t votes);

  // Items of two media, in order, with the question of each.
  void ask(judge::Judge& judge, std::span<const world::Item> items, std::span<const judge::Question> questions);

  std::size_t items() const { return pairs_.size(); }
  // What item i adds to: accuracy_both_orders (one thought per order), accuracy_all_votes and brier_all_votes (all thoughts in both
  // orders), consistency (both orders choose the same medium, over its pairs of single thoughts). "<metric>":[sum, n].
  void add_parts(std::size_t i, Json& row) const;
  // {"votes", "items", "consistency", "cost_curve": as eval/vote_curve.h}
  Json report() const;

 private:
  Ratio consistency(const eval::PairVotes& pair) const;
  judge::JudgeOptions options_;
  std::vector<eval::PairVotes> pairs_;
  judge::Usage usage_;
};

}  // namespace beholder::app
