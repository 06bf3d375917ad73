#include <algorithm>
#include <cmath>
#include <limits>

#include "core/file.h"
#include "core/format.h"
#include "report/checklist_report.h"
#include "report/experiment_report.h"
#include "report/html.h"
#include "report/page.h"
#include "report/view.h"

namespace beholder::report {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double number_or_none(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_number() ? json[key].get<double>() : kNone;
}

std::string cell(double value, int digits) {
  return std::isfinite(value) ? format("<td>{:.{}f}</td>", value, digits) : "<td>–</td>";
}

// The weights of a dimension's questions on one axis with all others.
std::string weights_plot(const Json& questions, std::size_t most) {
  IntervalPlot plot{.title = "Weights, with 95% intervals over prompts", .rows = {}, .reference = 0, .width = 960, .name_width = 520};
  for (std::size_t i = 0; i < std::min(questions.size(), most); ++i) {
    const Json& q = questions[i];
    const double weight = number_or_none(q, "weight");
    if (weight == 0) break;
    const bool has = q.contains("interval") && q["interval"].is_array();
    plot.rows.push_back({.name = shortened(q["question"].get<std::string>(), 74),
                         .value = weight,
                         .low = has ? q["interval"][0].get<double>() : weight,
                         .high = has ? q["interval"][1].get<double>() : weight,
                         .dots = {}});
  }
  return interval_plot(plot);
}

std::string table(const Json& questions) {
  std::string out =
      "<table class=\"numbers-of arms\"><thead><tr><th>question</th><th>dimension</th><th>weight</th><th>interval</th><th>pairs it "
      "splits</th><th>accuracy</th><th>Spearman</th></tr></thead><tbody>\n";
  for (const Json& q : questions) {
    out += format("<tr><th scope=\"row\"><bdi>{}</bdi></th><td>{}</td>", escape(q["question"].get<std::string>()),
                  escape(q["dimension"].get<std::string>()));
    out += cell(number_or_none(q, "weight"), 4);
    out += q["interval"].is_array() ? format("<td>[{:.3f}, {:.3f}]</td>", q["interval"][0].get<double>(), q["interval"][1].get<double>())
                                    : "<td>–</td>";
    out += format("<td>{}</td>", q["n"].get<std::int64_t>()) + cell(number_or_none(q, "accuracy"), 3) +
           cell(number_or_none(q, "spearman"), 3) + "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string curve(const Json& points) {
  LinePlot plot{.title = "Held-out accuracy by the number of pairs",
                .x_label = "pairs",
                .series = {},
                .share_axis = true,
                .width = 640,
                .height = 320};
  const std::pair<const char*, const char*> kinds[] = {{"accuracy", "mean of the draws"}, {"low", "lowest draw"}, {"high", "highest draw"}};
  for (const auto& [key, name] : kinds) {
    Series s{.name = name, .x = {}, .y = {}, .marked = true};
    for (const Json& point : points) s.x.push_back(number_or_none(point, "pairs")), s.y.push_back(number_or_none(point, key));
    plot.series.push_back(std::move(s));
  }
  return "<div class=\"curves\"><section class=\"curve\">" + line_plot(plot) + "</section></div>\n";
}

std::string warnings(const Json& fit) {
  std::string out;
  const auto box = [&](const char* what) { out += format("<div class=\"box warn\" role=\"note\"><p>{}</p></div>\n", what); };
  if (fit["separable"].get<bool>())
    box("The questions tell all pairs apart without fault: the weights have no bound, their sizes mean little, and there are no "
        "intervals.");
  if (!fit["converged"].get<bool>()) box("The solver stopped before it converged.");
  if (!fit["evaluation"]["held_out"].get<bool>())
    box("No prompts were held out: the accuracies are those on the fitted pairs, and too good.");
  return out;
}

}  // namespace

void write_checklist_fit(const std::string& path, const Json& fit) {
  Json questions = fit["questions"];
  std::stable_sort(questions.begin(), questions.end(), [](const Json& a, const Json& b) { return a["weight"] > b["weight"]; });
  const Json& e = fit["evaluation"];
  std::string out = page_head("Weights of a checklist") + warnings(fit);
  out += format("<p class=\"facts\"><span>{}</span><span>{}</span><span>accuracy (diff) <b>{:.3f}</b>",
                count_of(fit["pairs"]["untied"].get<std::int64_t>(), "pair", "pairs"),
                count_of(fit["pairs"]["prompts"].get<std::int64_t>(), "prompt", "prompts"), number_or_none(e, "accuracy"));
  if (e["interval"].is_array()) out += format(" [{:.3f}, {:.3f}]", e["interval"][0].get<double>(), e["interval"][1].get<double>());
  out += format("</span><span>with ties (tau) {:.3f}</span></p>\n", number_or_none(e, "tau"));
  out += "<div class=\"weights\">" + weights_plot(questions, 40) + "</div>\n";
  if (!fit["learning_curve"].empty()) out += curve(fit["learning_curve"]);
  out += "<section class=\"split\"><h2>Question by question</h2>\n" + table(questions) + "</section>\n";
  const bool votes = fit.value("choices", "majority") == "votes";
  const Facts facts{{"Solver", fit["solver"].get<std::string>()},
                    {"Fitted to", votes ? "every vote" : "the majority's choice of each pair"},
                    {"Loss", format("{:.6f}", number_or_none(fit, "loss"))},
                    {"Iterations", fit["iterations"].dump()},
                    {"Ties left out", fit["pairs"]["ties"].dump()},
                    {"Pairs without answers", fit["pairs"]["without_answers"].dump()},
                    {"Accuracies over", format("{} pairs, {} ties, {}", e["pairs"].dump(), e["ties"].dump(),
                                               e["held_out"].get<bool>() ? "held-out prompts" : "the fitted ones")},
                    {"Draws for the intervals", fit["bootstrap"].dump()},
                    {"Seed", fit["seed"].dump()}};
  write_file_atomic(
      path,
      out + page_tail(
                "<p>Accuracy of a question: of the pairs in which its answers differ, the share whose preferred medium has the better one. "
                "Spearman: rank correlation of its difference with the choice.</p>\n" +
                facts_table(facts) + "<p class=\"made\">Made by Beholder</p>\n"));
}

}  // namespace beholder::report
