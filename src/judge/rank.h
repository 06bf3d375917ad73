// Ranking N media for one prompt.
//   pairs     every pair is compared; strength = Bradley-Terry log-odds (sum 0), interval from the fit's curvature
//   adaptive  the same of a few pairs, round by round those that tell most about the order (judge/adaptive.h)
//   anchors   every medium against m anchors drawn from the media; strength = mean win probability in [0, 1]
//   listwise  all (at most 9) in one context; strength = mean probability of being the best, in [0, 1]
// Intervals are 95%: normal for pairs and adaptive, Wilson's for shares (its n: opponents, or votes that could be read).
// Media with the same content hash are judged once and share strength and rank. Deterministic for a seed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "judge/adaptive.h"
#include "judge/compare.h"
#include "judge/inquiry.h"

namespace beholder::judge {

enum class Strategy { kPairs, kAdaptive, kAnchors, kListwise };
Strategy parse_strategy(std::string_view name);  // kUsage

struct RankOptions : JudgeOptions {
  std::string strategy = "pairs";
  std::int64_t anchors = 4;          // at most the number of different media
  double credible = 0.95;            // adaptive: stop when Kendall's tau to the true order is expected to be so high
  std::int64_t max_comparisons = 0;  // adaptive: or after so many pairs; 0: AdaptiveOrder::default_budget

  void strategy_fields(FieldList& f);
};

struct RankTask {
  std::string prompt;
  std::vector<Medium> media;  // N >= 2
};

// A thought that spoke for a medium, and the media it talks about as "1", "2", …
struct Reason {
  std::string thought;
  std::vector<std::string> shown;
};

struct RankedMedium {
  int index = 0;  // in the task
  std::string name;
  int rank = 0;  // 1 = best; equal strengths share a rank
  double strength = 0, low = 0, high = 0;
  std::optional<Reason> reason;  // empty when no readable vote chose it
};

// One vote of a listwise question, turned to the numbering of `Ranking::list_names`.
struct ListVote {
  std::vector<int> order;  // shown i-th: medium order[i], 0-based
  bool parsed = false;
  int choice = 0;         // 1-based; 0: shared best score, or not parsed
  std::vector<double> p;  // per medium; empty when not parsed
  std::string thought, problem, text;
};

struct Ranking {
  std::string prompt, strategy;
  int votes = 1;
  bool both_orders = true;
  std::vector<RankedMedium> order;      // best first
  std::int64_t comparisons = 0;         // pairs compared, or contexts shown (listwise)
  std::optional<double> expected_tau;   // adaptive: Kendall's tau to the true order, as far as can be told
  std::vector<Comparison> verdicts;     // pairs, adaptive, anchors
  std::vector<std::string> list_names;  // listwise: the different media
  std::vector<ListVote> list_votes;     // listwise
  int unparsed = 0;                     // votes
  Usage usage;
};

// What one ranking asks (adaptive: has asked, and in the next round asks). `unique[u]` is the task's first medium of content u,
// `content[i]` the content of medium i.
struct RankPlan {
  std::vector<int> content, unique;
  std::vector<std::pair<int, int>> pairs;  // contents compared (not listwise), in this order of sides
  std::vector<int> anchors;                // contents
  std::vector<std::vector<int>> orders;    // listwise: contents in the order shown
  std::optional<AdaptiveOrder> adaptive;   // what is known of the first `learned` pairs
  std::size_t learned = 0;
};

// kInvalidInput for fewer than two media, or more than nine different ones listwise.
RankPlan plan_ranking(const RankTask& task, const RankOptions& options);
CompareTask plan_task(const RankTask& task, const RankPlan& plan, std::size_t pair);  // of plan.pairs[pair]
// Comparisons of the plan's pairs from the `from`-th on, of all answers so far.
std::vector<Comparison> read_pairs(const RankTask& task, const RankPlan& plan, std::size_t from, std::span<const Answered> answers,
                                   const RankOptions& options);
// What each says about strengths; those that no vote could be read of say nothing.
std::vector<Outcome> pair_outcomes(const RankPlan& plan, std::size_t from, std::span<const Comparison> verdicts);
Ranking read_ranking(const RankTask& task, const RankPlan& plan, std::span<const Answered> answers, const RankOptions& options);

// The plan's questions; `plan` grows with the rounds. The result is to_json of the ranking.
Inquiry rank_inquiry(const RankTask& task, std::shared_ptr<RankPlan> plan, const RankOptions& options);

// All tasks at once, their questions batched together.
std::vector<Ranking> rank(Judge& judge, std::span<const RankTask> tasks, const RankOptions& options, const JudgeProgress& progress = {});

// {"prompt","ranking":[{"rank","media","strength","interval":[lo,hi],"reason"}…],"comparisons","strategy","votes","both_orders",
//  "verdicts":[…],"unparsed","skipped":[],"tokens","seconds"}; the caller fills "skipped".
Json to_json(const Ranking& ranking);

}  // namespace beholder::judge
