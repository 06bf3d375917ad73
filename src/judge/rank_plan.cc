#include <algorithm>
#include <map>
#include <numeric>

#include "core/error.h"
#include "core/format.h"
#include "core/rng.h"
#include "judge/rank.h"

namespace beholder::judge {
namespace {

const Medium& medium_of(const RankTask& task, const RankPlan& plan, int content) {
  return task.media[static_cast<std::size_t>(plan.unique[static_cast<std::size_t>(content)])];
}

void find_duplicates(const RankTask& task, RankPlan& plan) {
  std::map<std::string, int> seen;
  for (int i = 0; i < std::ssize(task.media); ++i) {
    const auto [it, fresh] = seen.emplace(task.media[static_cast<std::size_t>(i)].hash, static_cast<int>(std::ssize(plan.unique)));
    if (fresh) plan.unique.push_back(i);
    plan.content.push_back(it->second);
  }
}

// Sides are drawn, so that asking one order only does not always favour the earlier medium.
std::pair<int, int> drawn_sides(const RankTask& task, const RankPlan& plan, int a, int b, std::int64_t seed) {
  const std::uint64_t key = stable_hash(format("{}\n{}\n{}", task.prompt, medium_of(task, plan, a).hash, medium_of(task, plan, b).hash));
  return Rng(static_cast<std::uint64_t>(seed), key).chance(0.5) ? std::pair(a, b) : std::pair(b, a);
}

void plan_pairs(const RankTask& task, const RankOptions& options, RankPlan& plan) {
  const int n = static_cast<int>(plan.unique.size());
  for (int a = 0; a < n; ++a)
    for (int b = a + 1; b < n; ++b) plan.pairs.push_back(drawn_sides(task, plan, a, b, options.seed));
}

void plan_anchors(const RankTask& task, const RankOptions& options, RankPlan& plan) {
  const int n = static_cast<int>(plan.unique.size());
  std::vector<int> drawn(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) drawn[static_cast<std::size_t>(i)] = i;
  Rng(static_cast<std::uint64_t>(options.seed), stable_hash("anchors"), stable_hash(task.prompt)).shuffle(drawn);
  drawn.resize(static_cast<std::size_t>(std::min<std::int64_t>(n, options.anchors)));
  plan.anchors = drawn;
  const auto is_anchor = [&](int c) { return std::find(drawn.begin(), drawn.end(), c) != drawn.end(); };
  for (int c = 0; c < n; ++c)
    for (const int anchor : plan.anchors)
      if (c != anchor && !(is_anchor(c) && anchor < c)) plan.pairs.push_back(drawn_sides(task, plan, c, anchor, options.seed));
}

// One order with all votes; or, with both_orders, per vote a drawn order and its reverse.
void plan_list(const RankTask& task, const RankOptions& options, RankPlan& plan) {
  const int n = static_cast<int>(plan.unique.size());
  if (n > kMaxMedia) {
    throw Error(Code::kInvalidInput, "rank", format("listwise shows at most {} media at once, these are {}", kMaxMedia, n),
                "use --strategy pairs, adaptive or anchors");
  }
  std::vector<int> order(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  Rng rng(static_cast<std::uint64_t>(options.seed), stable_hash("listwise"), stable_hash(task.prompt));
  for (std::int64_t vote = 0; vote < (options.both_orders ? options.votes : 1); ++vote) {
    if (options.both_orders) rng.shuffle(order);
    plan.orders.push_back(order);
    if (options.both_orders) plan.orders.emplace_back(order.rbegin(), order.rend());
  }
}

// Of the pairs from the `from`-th on, and of all lists.
std::vector<Question> plan_questions(const RankTask& task, const RankPlan& plan, std::size_t from, const RankOptions& options) {
  std::vector<Question> questions;
  for (const std::vector<int>& shown : plan.orders) {
    Question question{task.prompt, {}, options.kind(), options.both_orders ? 1 : static_cast<int>(options.votes)};
    for (const int content : shown) question.media.push_back(medium_of(task, plan, content));
    questions.push_back(std::move(question));
  }
  for (std::size_t i = from; i < plan.pairs.size(); ++i)
    for (Question& question : compare_questions(plan_task(task, plan, i), options)) questions.push_back(std::move(question));
  return questions;
}

std::int64_t budget(const RankPlan& plan, const RankOptions& options) {
  const std::int64_t n = std::ssize(plan.unique);
  return options.max_comparisons > 0 ? std::min(options.max_comparisons, n * (n - 1) / 2) : AdaptiveOrder::default_budget(n);
}

void plan_round(const RankTask& task, const RankOptions& options, RankPlan& plan) {
  for (const auto& [a, b] : plan.adaptive->next()) {
    if (std::ssize(plan.pairs) >= budget(plan, options)) return;
    plan.pairs.push_back(drawn_sides(task, plan, a, b, options.seed));
  }
}

std::vector<Question> next_round(const RankTask& task, RankPlan& plan, std::span<const Answered> answers, const RankOptions& options) {
  const std::size_t asked = plan.pairs.size();
  plan.adaptive->add(pair_outcomes(plan, plan.learned, read_pairs(task, plan, plan.learned, answers, options)));
  plan.learned = asked;
  if (plan.adaptive->expected_tau() < options.credible) plan_round(task, options, plan);
  return plan_questions(task, plan, asked, options);
}

// The pair of the two largest media: what a later round asks is not known yet.
Question largest_question(const RankTask& task, const RankPlan& plan, const RankOptions& options) {
  std::vector<int> contents(plan.unique.size());
  std::iota(contents.begin(), contents.end(), 0);
  const auto patches = [&](int content) {
    const vlm::Media& m = medium_of(task, plan, content).media;
    return m.t * m.h * m.w;
  };
  std::partial_sort(contents.begin(), contents.begin() + 2, contents.end(), [&](int a, int b) { return patches(a) > patches(b); });
  return compare_questions({task.prompt, medium_of(task, plan, contents[0]), medium_of(task, plan, contents[1])}, options)[0];
}

}  // namespace

Strategy parse_strategy(std::string_view name) {
  if (name == "pairs") return Strategy::kPairs;
  if (name == "adaptive") return Strategy::kAdaptive;
  if (name == "anchors") return Strategy::kAnchors;
  if (name == "listwise") return Strategy::kListwise;
  throw Error(Code::kUsage, "--strategy", format("\"{}\" is no ranking strategy", name), "use pairs, adaptive, anchors or listwise");
}

void RankOptions::strategy_fields(FieldList& f) {
  f.group("Ranking");
  f.add_choice("strategy", strategy, {"pairs", "adaptive", "anchors", "listwise"},
               "pairs: all against all; adaptive: the pairs that tell most, until the order is known; anchors: all against a few; "
               "listwise: all at once (up to 9)");
  f.add_range("anchors", anchors, 1, 1000, "media that serve as opponents with --strategy anchors");
  f.add_range("credible", credible, 0, 1,
              "--strategy adaptive stops when it expects the order to agree so well (Kendall's tau) with the true one");
  f.add_range("max_comparisons", max_comparisons, 0, 1e9, "pairs that --strategy adaptive compares at most; 0: 5/8 n log2(n) of n media");
}

CompareTask plan_task(const RankTask& task, const RankPlan& plan, std::size_t pair) {
  return {task.prompt, medium_of(task, plan, plan.pairs[pair].first), medium_of(task, plan, plan.pairs[pair].second)};
}

RankPlan plan_ranking(const RankTask& task, const RankOptions& options) {
  if (task.media.size() < 2) {
    throw Error(Code::kInvalidInput, "rank", format("{} medium to rank", task.media.size()), "give at least two, or use `beholder score`");
  }
  RankPlan plan;
  find_duplicates(task, plan);
  if (plan.unique.size() < 2) return plan;  // all the same picture: nothing to ask
  const Strategy strategy = parse_strategy(options.strategy);
  if (strategy == Strategy::kListwise) plan_list(task, options, plan);
  if (strategy == Strategy::kPairs) plan_pairs(task, options, plan);
  if (strategy == Strategy::kAnchors) plan_anchors(task, options, plan);
  if (strategy == Strategy::kAdaptive) {
    // A judge that says probabilities scatters little; counted votes are coin flips.
    plan.adaptive.emplace(static_cast<int>(plan.unique.size()),
                          mix_keys(static_cast<std::uint64_t>(options.seed), stable_hash(task.prompt)),
                          options.kind() == AnswerKind::kSoft ? 0.1 : 1.0);
    plan_round(task, options, plan);
  }
  return plan;
}

Inquiry rank_inquiry(const RankTask& task, std::shared_ptr<RankPlan> plan, const RankOptions& options) {
  Inquiry inquiry{plan_questions(task, *plan, 0, options)};
  if (plan->adaptive) {
    inquiry.more = [=](std::span<const Answered> answers) { return next_round(task, *plan, answers, options); };
    inquiry.most = budget(*plan, options) * (options.both_orders ? 2 : 1);
    inquiry.largest = largest_question(task, *plan, options);
  }
  inquiry.result = [=](std::span<const Answered> answers) { return to_json(read_ranking(task, *plan, answers, options)); };
  return inquiry;
}

}  // namespace beholder::judge
