#include "judge/rank.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "core/share.h"
#include "judge/bradley_terry.h"

namespace beholder::judge {
namespace {

struct Strength {
  double value = 0, low = 0, high = 0;
};

std::vector<Strength> pair_strengths(const RankPlan& plan, const std::vector<Comparison>& verdicts) {
  const BradleyTerry fit =
      plan.adaptive ? plan.adaptive->fit() : fit_bradley_terry(static_cast<int>(plan.unique.size()), pair_outcomes(plan, 0, verdicts));
  std::vector<Strength> strengths;
  for (std::size_t u = 0; u < plan.unique.size(); ++u) {
    strengths.push_back({fit.theta[u], fit.theta[u] - kZ95 * fit.std_dev[u], fit.theta[u] + kZ95 * fit.std_dev[u]});
  }
  return strengths;
}

// An anchor meets itself with an even chance, so that anchors and the rest are means over the same opponents; its interval
// counts the others only.
std::vector<Strength> anchor_strengths(const RankPlan& plan, const std::vector<Comparison>& verdicts) {
  const std::size_t n = plan.unique.size();
  std::vector<double> wins(n, 0), met(n, 0), is_anchor(n, 0);
  for (const int anchor : plan.anchors) is_anchor[static_cast<std::size_t>(anchor)] = 1;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].unparsed == std::ssize(verdicts[i].votes)) continue;  // nobody could say
    const auto a = static_cast<std::size_t>(plan.pairs[i].first), b = static_cast<std::size_t>(plan.pairs[i].second);
    wins[a] += is_anchor[b] * verdicts[i].p;
    met[a] += is_anchor[b];
    wins[b] += is_anchor[a] * (1 - verdicts[i].p);
    met[b] += is_anchor[a];
  }
  std::vector<Strength> strengths;
  for (std::size_t u = 0; u < n; ++u) {
    const double all = met[u] + is_anchor[u];
    const double p = all > 0 ? (wins[u] + 0.5 * is_anchor[u]) / all : 0.5;
    const auto [low, high] = wilson_interval(p, met[u]);
    strengths.push_back({p, low, high});
  }
  return strengths;
}

ListVote turn(const Vote& vote, const std::vector<int>& order) {
  ListVote out;
  out.order = order;
  out.parsed = vote.verdict.parsed;
  out.thought = vote.verdict.thought;
  out.problem = vote.verdict.problem;
  out.text = vote.text;
  if (!out.parsed) return out;
  if (vote.verdict.choice > 0) out.choice = order[static_cast<std::size_t>(vote.verdict.choice - 1)] + 1;
  out.p.resize(order.size());
  for (std::size_t shown = 0; shown < order.size(); ++shown) out.p[static_cast<std::size_t>(order[shown])] = vote.p[shown];
  return out;
}

std::vector<Strength> list_strengths(const RankPlan& plan, const std::vector<ListVote>& votes) {
  const std::size_t n = plan.unique.size();
  std::vector<Strength> strengths(n);
  double readable = 0;
  for (const ListVote& vote : votes) {
    if (!vote.parsed) continue;
    ++readable;
    for (std::size_t u = 0; u < n; ++u) strengths[u].value += vote.p[u];
  }
  for (Strength& s : strengths) {
    s.value = readable > 0 ? s.value / readable : 1.0 / static_cast<double>(n);
    std::tie(s.low, s.high) = wilson_interval(s.value, readable);
  }
  return strengths;
}

// The clearest readable vote for content `u`.
std::optional<Reason> find_reason(const Ranking& ranking, const RankPlan& plan, int u) {
  std::optional<Reason> reason;
  double best = -1;
  for (std::size_t i = 0; i < ranking.verdicts.size(); ++i) {
    const Comparison& verdict = ranking.verdicts[i];
    const int side = plan.pairs[i].first == u ? 1 : plan.pairs[i].second == u ? 2 : 0;
    const ComparisonVote* vote = side == 0 ? nullptr : verdict.best_vote(side);
    if (!vote || std::abs(vote->p - 0.5) <= best) continue;
    best = std::abs(vote->p - 0.5);
    reason = Reason{vote->thought, {verdict.names[vote->swapped ? 1 : 0], verdict.names[vote->swapped ? 0 : 1]}};
  }
  for (const ListVote& vote : ranking.list_votes) {
    if (!vote.parsed || vote.choice != u + 1 || vote.p[static_cast<std::size_t>(u)] <= best) continue;
    best = vote.p[static_cast<std::size_t>(u)];
    reason = Reason{vote.thought, {}};
    for (const int shown : vote.order) reason->shown.push_back(ranking.list_names[static_cast<std::size_t>(shown)]);
  }
  return reason;
}

void fill_order(const RankTask& task, const RankPlan& plan, const std::vector<Strength>& strengths, Ranking& ranking) {
  for (int i = 0; i < std::ssize(task.media); ++i) {
    const int u = plan.content[static_cast<std::size_t>(i)];
    const Strength& s = strengths[static_cast<std::size_t>(u)];
    ranking.order.push_back({i, task.media[static_cast<std::size_t>(i)].name, 0, s.value, s.low, s.high, find_reason(ranking, plan, u)});
  }
  std::stable_sort(ranking.order.begin(), ranking.order.end(), [](const auto& a, const auto& b) { return a.strength > b.strength; });
  for (std::size_t i = 0; i < ranking.order.size(); ++i) {
    const bool shares = i > 0 && ranking.order[i].strength == ranking.order[i - 1].strength;
    ranking.order[i].rank = shares ? ranking.order[i - 1].rank : static_cast<int>(i) + 1;
  }
}

}  // namespace

std::vector<Comparison> read_pairs(const RankTask& task, const RankPlan& plan, std::size_t from, std::span<const Answered> answers,
                                   const RankOptions& options) {
  const std::size_t orders = options.both_orders ? 2 : 1;
  std::vector<Comparison> verdicts;
  for (std::size_t i = from; i < plan.pairs.size(); ++i)
    verdicts.push_back(read_comparison(plan_task(task, plan, i), answers.subspan(i * orders, orders), options));
  return verdicts;
}

std::vector<Outcome> pair_outcomes(const RankPlan& plan, std::size_t from, std::span<const Comparison> verdicts) {
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const double readable = static_cast<double>(verdicts[i].votes.size()) - verdicts[i].unparsed;
    const auto& [first, second] = plan.pairs[from + i];
    if (readable > 0) outcomes.push_back({first, second, verdicts[i].p, readable});
  }
  return outcomes;
}

Ranking read_ranking(const RankTask& task, const RankPlan& plan, std::span<const Answered> answers, const RankOptions& options) {
  require_internal(answers.size() == plan.pairs.size() * (options.both_orders ? 2 : 1) + plan.orders.size(),
                   "one answer per question of the plan");
  Ranking ranking;
  ranking.prompt = task.prompt;
  ranking.strategy = options.strategy;
  ranking.votes = static_cast<int>(options.votes);
  ranking.both_orders = options.both_orders;
  for (const Answered& answered : answers) {
    ranking.usage += answered.usage;
    for (const Vote& vote : answered.votes) ranking.unparsed += vote.verdict.parsed ? 0 : 1;
  }
  ranking.verdicts = read_pairs(task, plan, 0, answers, options);
  if (plan.adaptive) ranking.expected_tau = plan.adaptive->expected_tau();
  for (std::size_t i = 0; i < plan.orders.size(); ++i) {
    for (const Vote& vote : answers[i].votes) ranking.list_votes.push_back(turn(vote, plan.orders[i]));
  }
  ranking.comparisons = static_cast<std::int64_t>(plan.pairs.size() + plan.orders.size());
  std::vector<Strength> strengths(plan.unique.size());
  if (!plan.orders.empty()) {
    for (const int i : plan.unique) ranking.list_names.push_back(task.media[static_cast<std::size_t>(i)].name);
    strengths = list_strengths(plan, ranking.list_votes);
  } else if (!plan.pairs.empty()) {
    strengths = plan.anchors.empty() ? pair_strengths(plan, ranking.verdicts) : anchor_strengths(plan, ranking.verdicts);
  } else if (const Strategy strategy = parse_strategy(options.strategy);
             strategy == Strategy::kAnchors || strategy == Strategy::kListwise) {
    strengths[0] = {0.5, 0, 1};  // one content only: nothing is known of it on the scale of shares
  }
  fill_order(task, plan, strengths, ranking);
  return ranking;
}

std::vector<Ranking> rank(Judge& judge, std::span<const RankTask> tasks, const RankOptions& options, const JudgeProgress& progress) {
  std::vector<std::shared_ptr<RankPlan>> plans;
  std::vector<Inquiry> inquiries;
  for (const RankTask& task : tasks) {
    plans.push_back(std::make_shared<RankPlan>(plan_ranking(task, options)));
    inquiries.push_back(rank_inquiry(task, plans.back(), options));
  }
  const std::vector<std::vector<Answered>> answers = ask_all(judge, inquiries, options, progress);
  std::vector<Ranking> rankings;
  for (std::size_t i = 0; i < tasks.size(); ++i) rankings.push_back(read_ranking(tasks[i], *plans[i], answers[i], options));
  return rankings;
}

}  // namespace beholder::judge
