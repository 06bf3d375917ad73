#include "eval/result.h"

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "eval/breakdown.h"
#include "eval/metric_table.h"

namespace beholder::eval {
namespace {

// One of the pairs that the judge got wrong, with all that a gallery shows.
Json error_json(const std::vector<data::Record>& records, const JudgedSet& set, const JudgedPair& pair) {
  const data::Record& record = records[set.records[pair.record].source];
  const auto a = static_cast<std::size_t>(pair.first), b = static_cast<std::size_t>(pair.second);
  Json out{{"id", record.id},
           {"pair", {a + 1, b + 1}},
           {"prompt", record.prompt},
           {"media", {record.media[a].name(), record.media[b].name()}},
           {"q", pair.q},
           {"margin", pair.verdict.margin},
           {"p", pair.verdict.p ? Json(*pair.verdict.p) : Json()}};
  if (pair.votes > 0) out["votes"] = pair.votes;
  if (const std::vector<int>& ranking = record.target.ranking; !ranking.empty()) out["ranks"] = {ranking[a], ranking[b]};
  return out;
}

std::string listing(const Json& result, const char* part, const char* key, const char* title) {
  const auto found = result.find(part);
  if (found == result.end() || found->empty()) return "";
  std::string out = format("\n{}\n", title);
  for (const Json& entry : *found)
    out += format("  {:<24} {:<26} n {}\n", entry.at(key).get<std::string>(), metric_text(entry), entry.at("n").get<std::int64_t>());
  return out;
}

}  // namespace

Json result_json(const std::vector<data::Record>& records, const JudgedSet& set, const Protocol& protocol, const Outcome& outcome,
                 const ResultContext& context) {
  MetricTable value(set.prompts.size());
  value.add_rows("value", outcome.rows);
  const Json main = metric_named(value.with_intervals(), "value");
  Json out{{"protocol", protocol.name},
           {"value", main.at("value")},
           {"interval", main.at("interval")},
           {"n", outcome.n},
           {"label_ties", outcome.label_ties},
           {"predicted_ties", outcome.predicted_ties},
           {"unparsed", outcome.unparsed},
           {"missing", outcome.missing},
           {"unit", protocol.unit},
           {"higher_is_better", protocol.higher_is_better},
           {"rule", protocol.rule},
           {"dataset", context.dataset},
           {"judge", context.judge},
           {"records", set.records.size()},
           {"prompts", set.prompts.size()},
           {"pairs", set.pairs.size()},
           {"unlabelled", set.unlabelled},
           {"bad_records", context.bad_records},
           {"unknown_scores", context.unknown_scores},
           {"bad_scores", context.bad_scores}};
  for (const auto& [name, fitted] : outcome.chosen) out[name] = fitted;
  out.update(breakdown(set));
  out["errors"] = Json::array();
  for (const std::size_t i : worst_errors(set, context.errors)) out["errors"].push_back(error_json(records, set, set.pairs[i]));
  if (!context.cost.is_null()) out["cost"] = context.cost;
  if (!context.data.is_null()) out["data"] = context.data;
  out["settings"] = context.settings;
  return out;
}

std::string rows_jsonl(const JudgedSet& set, const Outcome& outcome) {
  std::string out;
  for (std::size_t i = 0; i < set.prompts.size(); ++i)
    out += json_line({{"prompt", set.prompts[i]}, {"value", {outcome.rows[i].sum, outcome.rows[i].n}}}) + "\n";
  return out;
}

std::string metric_text(const Json& metric, int digits) {
  const auto value = metric.find("value");
  if (value == metric.end() || !value->is_number()) return "-";
  const auto interval = metric.find("interval");
  std::string out = format("{:.{}f}", value->get<double>(), digits);
  if (interval != metric.end() && interval->is_array())
    out += format(" [{:.{}f}, {:.{}f}]", interval->at(0).get<double>(), digits, interval->at(1).get<double>(), digits);
  return out;
}

std::string result_text(const Json& result) {
  const auto count = [&](const char* key) { return result.value(key, std::int64_t{0}); };
  std::string out = format("{} of {} on {}\n  {}\n\n", result.at("protocol").get<std::string>(), result.at("judge").get<std::string>(),
                           result.at("dataset").get<std::string>(), result.at("rule").get<std::string>());
  out += format("  {:<24} {}   n = {} {}\n", result.at("higher_is_better").get<bool>() ? "value" : "value (lower is better)",
                metric_text(result), count("n"), result.at("unit").get<std::string>());
  for (const char* fitted : {"epsilon", "threshold"})
    if (result.contains(fitted)) out += format("  {:<24} {:.6g}\n", fitted, result[fitted].get<double>());
  out += format("  {:<24} {} label ties, {} predicted ties, {} unparsed, {} missing\n", "pairs", count("label_ties"),
                count("predicted_ties"), count("unparsed"), count("missing"));
  for (const auto& [name, metric] : result.at("metrics").items())
    out += format("  {:<24} {}   n = {}\n", name, metric_text(metric), metric.at("n").get<std::int64_t>());
  if (result.contains("calibration"))
    out += format("  {:<24} {:.4f}   n = {}\n", "ECE (15 equal-mass bins)", result["calibration"]["ece"].get<double>(),
                  result["calibration"]["n"].get<std::int64_t>());
  if (result.contains("position")) {
    out += format("  {:<24} {}\n", "both orders agree", metric_text(result["position"]["consistency"]));
    out += format("  {:<24} {}\n", "p of what is shown first", metric_text(result["position"]["first_lean"]));
  }
  out += listing(result, "by_gap", "gap", "Accuracy by how far people's opinions lie apart");
  out += listing(result, "by_votes", "votes", "Accuracy by number of votes");
  out += listing(result, "by_listener", "listener", "Accuracy by whether the listener agrees");
  if (result.contains("cost_curve")) {
    out += "\n  orders  votes   tokens  accuracy                  Brier\n";
    for (const Json& point : result["cost_curve"])
      out += format("  {:>6}  {:>5}  {:>7.0f}  {:<24}  {}\n", point.at("orders").get<int>(), point.at("votes").get<int>(),
                    point.at("tokens").get<double>(), metric_text(point.at("accuracy")), metric_text(point.at("brier")));
  }
  return out;
}

}  // namespace beholder::eval
