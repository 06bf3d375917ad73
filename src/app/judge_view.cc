#include "app/judge_view.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/format.h"
#include "core/printable.h"
#include "core/progress.h"

namespace beholder::app {
namespace {

std::string indented(std::string_view text) {
  std::string out = "  ";
  for (const char c : printable(text, true)) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + "\n";
}

std::string header(const Json& result, const ViewStyle& style) {
  return format("{} {}\n\n", bold("Prompt:", style), printable(result.at("prompt").get<std::string>(), false));
}

std::string cost(const Json& result) {
  const Json& tokens = result.at("tokens");
  return format("{}, {} tokens read, {} written", human_duration(result.at("seconds").get<double>()),
                human_count(tokens.at("prompt").get<double>()), human_count(tokens.at("completion").get<double>()));
}

std::string skipped_lines(const Json& result) {
  std::string out;
  for (const Json& item : result.at("skipped")) out += format("skipped: {}\n", printable(item.at("error").get<std::string>(), false));
  return out;
}

std::size_t name_width(const std::vector<std::string>& names, const ViewStyle& style) {
  std::size_t width = 0;
  for (const std::string& name : names) width = std::max(width, width_of(shortened(name, style)));
  return width;
}

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> names;
  for (const Json& item : list) names.push_back(item.at("media").get<std::string>());
  return names;
}

// "1 = a.png, 2 = b.png": what the numbers in a thought mean.
std::string legend(const std::vector<std::string>& shown, const ViewStyle& style) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < shown.size(); ++i) parts.push_back(format("{} = {}", i + 1, shortened(shown[i], style)));
  return format("{}", fmt::join(parts, ", "));
}

std::string why(const std::string& name, const std::vector<std::string>& shown, const std::string& thought, const ViewStyle& style) {
  return format("\n{} {}\n{}", bold(format("Why {}?", shortened(name, style)), style), faint(format("({})", legend(shown, style)), style),
                indented(thought));
}

// Position consistency of the pairs, where both orders could be read.
std::string consistency(const Json& verdicts) {
  int known = 0, agree = 0;
  for (const Json& verdict : verdicts) {
    if (!verdict.contains("consistent") || verdict["consistent"].is_null()) continue;
    ++known;
    agree += verdict["consistent"].get<bool>() ? 1 : 0;
  }
  return known == 0 ? "" : format(", {} of {} agree in both orders", agree, known);
}

std::string ranked_line(const Json& item, bool odds, std::size_t width, const ViewStyle& style) {
  const double strength = item.at("strength").get<double>();
  const double low = item.at("interval")[0].get<double>(), high = item.at("interval")[1].get<double>();
  const std::string numbers =
      odds ? format("{:+.2f}  [{:+.2f}, {:+.2f}]", strength, low, high) : format("{:.2f}  [{:.2f}, {:.2f}]", strength, low, high);
  const double share = odds ? 1 / (1 + std::exp(-strength)) : strength;
  const std::string name = padded(shortened(item.at("media").get<std::string>(), style), width);
  return format("{:>3}  {}  {}  {}\n", item.at("rank").get<int>(), name, bar(share, style), numbers);
}

std::string counted(std::int64_t n, std::string_view noun) {
  return format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

// "6 comparisons (pairs, 1 vote in each of two orders)".
std::string effort(const Json& ranking) {
  const bool list = ranking.at("strategy") == "listwise", both = ranking.at("both_orders").get<bool>();
  const std::string_view orders = !both ? "in one order" : list ? "in a drawn order and its reverse each" : "in each of two orders";
  return format("{} ({}, {} {})", counted(ranking.at("comparisons").get<std::int64_t>(), list ? "context" : "comparison"),
                ranking.at("strategy").get<std::string>(), counted(ranking.at("votes").get<int>(), "vote"), orders);
}

std::string unparsed_line(const Json& result) {
  const int unparsed = result.at("unparsed").get<int>();
  if (unparsed == 0) return "";
  return format("{} could not be read and {} left out; --json shows why\n", counted(unparsed, "answer"), unparsed == 1 ? "was" : "were");
}

}  // namespace

std::string show_ranking(const Json& ranking, const ViewStyle& style) {
  const Json& order = ranking.at("ranking");
  const bool odds = ranking.at("strategy") == "pairs" || ranking.at("strategy") == "adaptive";
  const std::size_t width = name_width(names_of(order), style);
  std::string out = header(ranking, style);
  for (const Json& item : order) out += ranked_line(item, odds, width, style);
  out += faint(odds ? "     bar: chance against an average one of these; numbers: log-odds with 95% interval\n"
                    : "     bar and numbers: win probability with 95% interval\n",
               style);
  if (ranking.contains("expected_tau"))
    out += faint(
        format("     this order is expected to agree with the true one by {:.2f} (Kendall's tau)\n", ranking["expected_tau"].get<double>()),
        style);
  const Json& best = order.at(0);
  if (!best.at("reason").is_null()) {
    out += why(best.at("media").get<std::string>(), best["reason"].at("shown").get<std::vector<std::string>>(),
               best["reason"].at("thought").get<std::string>(), style);
  }
  return out + format("\n{}{}, {}\n", effort(ranking), consistency(ranking.at("verdicts")), cost(ranking)) + unparsed_line(ranking) +
         skipped_lines(ranking);
}

std::string show_comparison(const Json& comparison, const ViewStyle& style) {
  const auto names = comparison.at("media").get<std::vector<std::string>>();
  const double p = comparison.at("probability").get<double>();
  const int choice = comparison.at("choice").get<int>();
  const std::size_t width = name_width(names, style);
  std::string out = header(comparison, style);
  for (const int which : {1, 2}) {
    const double share = which == 1 ? p : 1 - p;
    out += format("{}  {}  {}  {:5.1f}%\n", !comparison.at("tie").get<bool>() && which == choice ? (style.unicode ? "▶" : ">") : " ",
                  padded(shortened(names[static_cast<std::size_t>(which - 1)], style), width), bar(share, style), 100 * share);
  }
  const Json* best = nullptr;
  for (const Json& vote : comparison.at("votes")) {
    if (!vote.at("parsed").get<bool>() || vote.at("choice") != choice) continue;
    const auto clarity = [](const Json& v) { return std::abs(v.at("probability").get<double>() - 0.5); };
    if (!best || clarity(vote) > clarity(*best)) best = &vote;
  }
  if (best) {
    std::vector<std::string> shown = names;
    if (best->at("order") == "21") std::swap(shown[0], shown[1]);
    out += why(names[static_cast<std::size_t>(choice - 1)], shown, best->at("thought").get<std::string>(), style);
  }
  const Json& consistent = comparison.at("consistent");
  out += format("\n{}{}, {}\n", counted(std::ssize(comparison.at("votes")), "vote"),
                consistent.is_null()     ? ""
                : consistent.get<bool>() ? ", both orders agree"
                                         : ", the two orders disagree",
                cost(comparison));
  return out + unparsed_line(comparison) + skipped_lines(comparison);
}

std::string show_scores(const Json& scores, const ViewStyle& style) {
  Json order = scores.at("scores");
  std::stable_sort(order.begin(), order.end(), [](const Json& a, const Json& b) {
    return a.at("score").is_number() && (!b.at("score").is_number() || a["score"] > b["score"]);
  });
  const std::size_t width = name_width(names_of(order), style);
  std::string out = header(scores, style);
  for (const Json& item : order) {
    const std::string name = padded(shortened(item.at("media").get<std::string>(), style), width);
    if (item.at("score").is_null()) {
      out += format("  {}  no readable answer: {}\n", name, printable(item.value("problem", ""), false));
    } else {
      const double score = item["score"].get<double>();
      out += format("  {}  {}  {:5.2f} / 10\n", name, bar(score / 10, style), score);
    }
  }
  if (!order.empty() && order[0].at("score").is_number()) {
    const auto name = order[0].at("media").get<std::string>();
    out += why(name, {name}, order[0].at("thought").get<std::string>(), style);
  }
  return out + format("\n{}\n", cost(scores)) + skipped_lines(scores);
}

std::string show_score_lines(const Json& scores, const ViewStyle& style) {
  if (scores.contains("error")) {
    const std::string id = scores.at("id").is_string() ? scores["id"].get<std::string>() : format("line {}", scores.at("line").get<int>());
    return format("  failed       {}\n", printable(id, false));
  }
  std::string out;
  for (const Json& item : scores.at("scores")) {
    const std::string name = printable(item.at("media").get<std::string>(), false);
    if (item.at("score").is_null())
      out += format("  no answer    {}\n", name);
    else
      out += format("  {:5.2f} {}  {}\n", item["score"].get<double>(), bar(item["score"].get<double>() / 10, style), name);
  }
  return out;
}

}  // namespace beholder::app
