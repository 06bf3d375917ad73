#include "app/checklist_view.h"

#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "core/printable.h"

namespace beholder::app {
namespace {

constexpr std::size_t kNames = 24, kDecisive = 8;

std::string name_of(const Json& record) {
  return record.value("media", record.at("id").get<std::string>());
}

std::string prompt_line(const Json& record, const ViewStyle& style) {
  if (!record.contains("prompt")) return "";
  return format("{} {}\n", bold("Prompt:", style), printable(record["prompt"].get<std::string>(), false));
}

std::string unanswered_line(const Json& record) {
  const int n = record.at("unanswered").get<int>();
  return n == 0 ? "" : format("{} of the answers {} neither yes nor no and count as no\n", n, n == 1 ? "is" : "are");
}

std::string text_at(const Json& json, const char* key) {
  return printable(json.at(key).get<std::string>(), false);
}

}  // namespace

std::string show_checklist_score(const Json& record, const ViewStyle& style) {
  std::string out = prompt_line(record, style);
  out += format("{}  {}\n", bold(format("{:+.4f}", record.at("score").get<double>()), style), shortened(name_of(record), style));
  for (const Json& d : record.at("dimensions")) {
    const double low = d.at("low").get<double>(), high = d.at("high").get<double>(), value = d.at("value").get<double>();
    out += format("  {}  {}  {:+.3f}  {}\n", padded(shortened(d.at("name").get<std::string>(), style), kNames),
                  bar(high > low ? (value - low) / (high - low) : 0, style), value, faint(format("[{:+.3f}, {:+.3f}]", low, high), style));
  }
  std::int64_t masked = 0;
  for (const Json& q : record.value("questions", Json::array())) masked += q.value("masked", false) ? 1 : 0;
  if (masked > 0)
    out += faint(format("{} not arise here: worth 0\n", masked == 1 ? "1 question does" : format("{} questions do", masked)), style);
  return out + unanswered_line(record);
}

std::string show_checklist_choice(const Json& record, const ViewStyle& style) {
  std::string out = prompt_line(record, style);
  const bool tie = record.at("tie").get<bool>();
  const int choice = record.at("choice").get<int>();
  for (const int side : {1, 2}) {
    const bool chosen = !tie && side == choice;
    out += format("{}  {}  {:+.4f}\n", chosen ? (style.unicode ? "▶" : ">") : " ",
                  padded(shortened(record.at(side == 1 ? "first" : "second").get<std::string>(), style), kNames),
                  record.at("scores")[side == 1 ? 0 : 1].get<double>());
  }
  out += tie ? "   a tie; VisionReward's code says the second\n"
             : format("   difference {:+.4f}, chance of the first {:.1f}%\n", record.at("difference").get<double>(),
                      100 * record.at("probability").get<double>());
  if (record.contains("mean_of"))
    out += faint(format("   scores are means over {} questions; the difference, here and below, is a sum\n", record["mean_of"].get<int>()),
                 style);
  double largest = 1e-300;
  for (const Json& d : record.at("dimensions")) largest = std::max(largest, std::abs(d.at("difference").get<double>()));
  for (const Json& d : record.at("dimensions")) {
    const double value = d.at("difference").get<double>();
    out += format("  {}  {}  {:+.3f}\n", padded(shortened(d.at("name").get<std::string>(), style), kNames),
                  bar(std::abs(value) / largest, style), value);
  }
  const Json& questions = record.at("questions");
  if (!questions.empty()) out += format("\n{}\n", bold("What decided", style));
  for (std::size_t i = 0; i < std::min(questions.size(), kDecisive); ++i)
    out += format(
        "  {:+.3f}  {}  {}\n", questions[i].at("difference").get<double>(), text_at(questions[i], "question"),
        faint(format("{:+.2g} against {:+.2g}", questions[i].at("first").get<double>(), questions[i].at("second").get<double>()), style));
  if (questions.size() > kDecisive) out += faint(format("  and {} more; --json has them\n", questions.size() - kDecisive), style);
  return out + unanswered_line(record);
}

std::string show_checklist_fit(const Json& fit, const ViewStyle& style) {
  Json questions = fit.at("questions");
  std::stable_sort(questions.begin(), questions.end(), [](const Json& a, const Json& b) { return a.at("weight") > b.at("weight"); });
  const double largest = std::max(1e-300, questions[0].at("weight").get<double>());
  std::string out;
  std::size_t zero = 0;
  for (const Json& q : questions) {
    const double weight = q.at("weight").get<double>();
    zero += weight == 0;
    if (weight == 0) continue;
    const Json& interval = q.at("interval");
    const std::string range = interval.is_null() ? "" : format("[{:.3f}, {:.3f}]", interval[0].get<double>(), interval[1].get<double>());
    out += format("{:8.4f}  {}  {}  {}\n", weight, bar(weight / largest, style), padded(range, 16), text_at(q, "question"));
  }
  if (zero > 0) out += faint(format("{} questions have no weight\n", zero), style);
  const Json& e = fit.at("evaluation");
  const Json& pairs = fit.at("pairs");
  out += format("\n{} pairs and {} ties of {} prompts, fitted to {}, solver {}\n", pairs.at("untied").get<std::int64_t>(),
                pairs.at("ties").get<std::int64_t>(), pairs.at("prompts").get<std::int64_t>(),
                fit.value("choices", "majority") == "votes" ? "every vote" : "majorities", fit.at("solver").get<std::string>());
  out += format("{}: accuracy (diff) {:.3f}", e.at("held_out").get<bool>() ? "Held-out prompts" : "On the fitted pairs",
                e.at("accuracy").get<double>());
  if (!e.at("interval").is_null()) out += format(" [{:.3f}, {:.3f}]", e["interval"][0].get<double>(), e["interval"][1].get<double>());
  out += format(", with ties (tau) {:.3f} over {} pairs\n", e.at("tau").get<double>(), e.at("pairs").get<std::int64_t>());
  for (const Json& point : fit.at("learning_curve"))
    out += format("  {:>8} pairs  {}  {:.3f}\n", point.at("pairs").get<std::int64_t>(), bar(point.at("accuracy").get<double>(), style),
                  point.at("accuracy").get<double>());
  return out;
}

std::string show_checklist_tree(const Json& tree, const ViewStyle& style) {
  std::string out =
      format("{} {}\n", bold(text_at(tree, "title"), style),
             faint(format("({} questions, {} of them about presence)", tree.at("count").get<int>(), tree.at("presence").size()), style));
  for (const Json& p : tree.at("presence"))
    out += format("  {} {}\n", text_at(p, "question"), faint("presence: " + text_at(p, "id"), style));
  for (const Json& d : tree.at("dimensions")) {
    out += format("\n{}\n", bold(text_at(d, "name"), style));
    for (const Json& s : d.at("subs")) {
      const std::string needs = s.contains("needs") ? faint("  needs " + text_at(s, "needs"), style) : "";
      out += format("  {}{}\n", text_at(s, "name"), needs);
      for (const Json& q : s.at("questions")) {
        const std::string weight = q.contains("weight") ? format("{:8.4f}  ", q["weight"].get<double>()) : "";
        const std::string level = q.contains("level") ? faint("  " + text_at(q, "level"), style) : "";
        out += format("    {}{}{}\n", weight, text_at(q, "question"), level);
      }
    }
  }
  return out;
}

}  // namespace beholder::app
