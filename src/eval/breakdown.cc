#include "eval/breakdown.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/correlation.h"
#include "core/format.h"
#include "eval/calibration.h"
#include "eval/metric_table.h"
#include "eval/model_wins.h"

namespace beholder::eval {
namespace {

constexpr const char* kGap = "gap/";
constexpr const char* kVotes = "votes/";
constexpr const char* kListener = "listener/";
constexpr const char* kConsistent = "consistent/";
constexpr const char* kLean = "lean/";

std::size_t prompt_of(const JudgedSet& set, const JudgedPair& pair) {
  return set.records[pair.record].prompt;
}

// "1", "2-3", "4-7", "8-15", …
std::string votes_name(int votes) {
  if (votes < 1) return "not known";
  int low = 1;
  while (2 * low <= votes) low *= 2;
  return low == 1 ? "1" : format("{}-{}", low, 2 * low - 1);
}

void add_accuracy(const JudgedSet& set, const JudgedPair& pair, MetricTable& table) {
  if (pair.label() == 0) return;
  const std::size_t prompt = prompt_of(set, pair);
  const double right = pair.was_read() && pair.label() * pair.verdict.margin > 0 ? 1 : 0;
  table.add("accuracy", prompt, right);
  table.add(kGap + gap_name(set, pair), prompt, right);
  if (set.records[pair.record].ranking.empty()) table.add(kVotes + votes_name(pair.votes), prompt, right);
  if (!pair.was_read() || !pair.verdict.heard || pair.verdict.margin == 0 || pair.verdict.heard == 0.5) return;
  const bool agrees = (*pair.verdict.heard > 0.5) == (pair.verdict.margin > 0);
  table.add("contradiction", prompt, agrees ? 0 : 1);
  table.add(std::string(kListener) + (agrees ? "agrees" : "disagrees"), prompt, right);
}

void add_forecast(const JudgedSet& set, const JudgedPair& pair, MetricTable& table) {
  if (!pair.was_read() || !pair.verdict.p) return;
  table.add("brier", prompt_of(set, pair), brier(*pair.verdict.p, pair.q));
  table.add("nll", prompt_of(set, pair), negative_log_likelihood(*pair.verdict.p, pair.q));
}

// Half a share each for a medium that is exactly as likely in both places.
void add_position(const JudgedSet& set, const JudgedPair& pair, MetricTable& table) {
  if (!pair.verdict.p_shown_first || !pair.verdict.p_shown_second) return;
  const double first = *pair.verdict.p_shown_first, second = *pair.verdict.p_shown_second;
  const std::size_t prompt = prompt_of(set, pair);
  const double same = (first > 0.5) == (second > 0.5) && (first < 0.5) == (second < 0.5) ? 1 : 0;
  const double lean = 0.5 * (first + 1 - second);
  const std::string gap = gap_name(set, pair);
  for (const std::string& name : {std::string("all"), gap.empty() ? std::string("tied") : gap}) {
    table.add(kConsistent + name, prompt, same);
    table.add(kLean + name, prompt, lean);
  }
}

void add_rank_correlation(const JudgedSet& set, const JudgedRecord& record, MetricTable& table) {
  if (record.ranking.size() < 3 || record.scores.size() != record.ranking.size()) return;
  std::vector<double> people, judge;
  for (std::size_t i = 0; i < record.ranking.size(); ++i) {
    if (!record.scores[i]) return;
    people.push_back(-record.ranking[i]);
    judge.push_back(*record.scores[i]);
  }
  for (const auto& [name, value] :
       {std::pair("kendall_tau_b", kendall_tau_b(people, judge)), std::pair("spearman_rank", spearman(people, judge))})
    if (std::isfinite(value)) table.add(name, record.prompt, value);
}

// Names go by their words, then by their first number: "rank +2" before "rank +10" before "share 0-0.25".
std::pair<std::string, double> natural_key(const std::string& name) {
  const std::size_t digit = name.find_first_of("0123456789");
  return digit == name.npos ? std::pair(name, -1.0) : std::pair(name.substr(0, digit), std::stod(name.substr(digit)));
}

// Entries "prefix<name>" as a list, in natural order of their names.
Json listed(const Json& metrics, const std::string& prefix, const char* key) {
  std::map<std::pair<std::pair<std::string, double>, std::string>, Json> sorted;
  for (const Json& metric : metrics) {
    const std::string name = metric.at("name").get<std::string>();
    if (!name.starts_with(prefix) || name == prefix + "all") continue;
    Json entry{{key, name.substr(prefix.size())}};
    entry.update(metric_named(metrics, name));
    sorted[{natural_key(name.substr(prefix.size())), name}] = std::move(entry);
  }
  Json out = Json::array();
  for (auto& [order, entry] : sorted) out.push_back(std::move(entry));
  return out;
}

// Only where labels are shares: a correlation with 0 and 1 alone says what the accuracy says.
void add_vote_correlation(const JudgedSet& set, Json& metrics) {
  std::vector<double> p, q;
  bool shares = false;
  for (const JudgedPair& pair : set.pairs) {
    if (!pair.was_read() || !pair.verdict.p || !set.records[pair.record].ranking.empty()) continue;
    p.push_back(*pair.verdict.p);
    q.push_back(pair.q);
    shares = shares || (pair.q != 0 && pair.q != 0.5 && pair.q != 1);
  }
  if (!shares) return;
  metrics["pearson"] = {{"value", number_or_null(pearson(p, q))}, {"interval", nullptr}, {"n", p.size()}};
  metrics["spearman"] = {{"value", number_or_null(spearman(p, q))}, {"interval", nullptr}, {"n", p.size()}};
}

Json win_matrix(const JudgedSet& set) {
  std::map<std::pair<int, int>, Ratio> wins;
  int worst = 0;
  for (const JudgedPair& pair : set.pairs) {
    const std::vector<int>& ranking = set.records[pair.record].ranking;
    if (ranking.empty() || pair.label() == 0 || !pair.was_read()) continue;
    const int a = ranking[static_cast<std::size_t>(pair.first)], b = ranking[static_cast<std::size_t>(pair.second)];
    const double first = pair.verdict.p.value_or(pair.verdict.margin > 0 ? 1 : pair.verdict.margin < 0 ? 0 : 0.5);
    wins[{a, b}].sum += first, wins[{a, b}].n += 1;
    wins[{b, a}].sum += 1 - first, wins[{b, a}].n += 1;
    worst = std::max({worst, a, b});
  }
  if (wins.empty() || worst > 64) return {};
  Json cells = Json::array();
  for (const auto& [ranks, share] : wins)
    cells.push_back({{"row", ranks.first}, {"column", ranks.second}, {"value", share.value()}, {"n", std::llround(share.n)}});
  return {{"ranks", worst}, {"cells", std::move(cells)}};
}

}  // namespace

std::string gap_name(const JudgedSet& set, const JudgedPair& pair) {
  if (pair.label() == 0) return "";
  const std::vector<int>& ranking = set.records[pair.record].ranking;
  if (!ranking.empty())
    return format("rank +{}", std::abs(ranking[static_cast<std::size_t>(pair.first)] - ranking[static_cast<std::size_t>(pair.second)]));
  const int quarter = std::clamp(static_cast<int>(std::ceil(4 * std::abs(2 * pair.q - 1) - 1e-9)), 1, 4);
  constexpr const char* kNames[] = {"share 0-0.25", "share 0.25-0.5", "share 0.5-0.75", "share 0.75-1"};
  return kNames[quarter - 1];
}

Json calibration_json(const JudgedSet& set) {
  std::vector<Forecast> forecasts;
  for (const JudgedPair& pair : set.pairs) {
    if (pair.was_read() && pair.verdict.p && pair.label() != 0) forecasts.push_back(forecast_of(*pair.verdict.p, pair.q));
  }
  if (forecasts.empty()) return {};
  const std::vector<ReliabilityBin> bins = reliability_bins(forecasts);
  Json list = Json::array();
  for (const ReliabilityBin& b : bins)
    list.push_back({{"low", b.low}, {"high", b.high}, {"confidence", b.confidence}, {"accuracy", b.accuracy}, {"n", b.n}});
  return {{"ece", expected_calibration_error(bins)}, {"n", forecasts.size()}, {"bins", std::move(list)}};
}

Json breakdown(const JudgedSet& set) {
  MetricTable table(set.prompts.size());
  for (const JudgedPair& pair : set.pairs) {
    add_accuracy(set, pair, table);
    add_forecast(set, pair, table);
    add_position(set, pair, table);
  }
  for (const JudgedRecord& record : set.records) add_rank_correlation(set, record, table);
  const Json all = table.with_intervals();
  Json metrics = Json::object();
  for (const Json& metric : all)
    if (const auto name = metric.at("name").get<std::string>(); name.find('/') == name.npos) metrics[name] = metric_named(all, name);
  add_vote_correlation(set, metrics);
  Json out{{"metrics", std::move(metrics)}, {"by_gap", listed(all, kGap, "gap")}};
  if (Json votes = listed(all, kVotes, "votes"); votes.size() > 1 || (votes.size() == 1 && votes[0]["votes"] != "not known"))
    out["by_votes"] = std::move(votes);
  if (table.has("contradiction")) out["by_listener"] = listed(all, kListener, "listener");
  if (const std::string all_pairs = std::string(kConsistent) + "all"; table.has(all_pairs))
    out["position"] = {{"consistency", metric_named(all, all_pairs)},
                       {"first_lean", metric_named(all, std::string(kLean) + "all")},
                       {"consistency_by_gap", listed(all, kConsistent, "gap")},
                       {"first_lean_by_gap", listed(all, kLean, "gap")}};
  if (Json calibration = calibration_json(set); !calibration.is_null()) out["calibration"] = std::move(calibration);
  if (Json wins = win_matrix(set); !wins.is_null()) out["win_matrix"] = std::move(wins);
  if (Json wins = model_wins(set); !wins.is_null()) out["model_wins"] = std::move(wins);
  return out;
}

std::vector<std::size_t> worst_errors(const JudgedSet& set, std::size_t most) {
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < set.pairs.size(); ++i)
    if (set.pairs[i].was_read() && set.pairs[i].label() * set.pairs[i].verdict.margin < 0) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(set.pairs[a].verdict.margin) > std::abs(set.pairs[b].verdict.margin);
  });
  wrong.resize(std::min(wrong.size(), most));
  return wrong;
}

}  // namespace beholder::eval
