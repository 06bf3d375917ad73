#include "report/experiment_report.h"

#include <cmath>
#include <limits>
#include <span>

#include "core/file.h"
#include "core/format.h"
#include "report/arm_cells.h"
#include "report/html.h"
#include "report/page.h"

namespace beholder::report {
namespace {

struct Column {
  const char* metric;
  const char* heading;
  const char* plot_title;  // null: only in the table
};
constexpr Column kVerdict[] = {
    {"verdict_accuracy", "accuracy", "Agreement with the voters' majority"},
    {"accuracy_both_orders", "both orders", nullptr},
    {"accuracy_all_votes", "all votes", nullptr},
    {"brier_true", "Brier", "Brier score against the true vote share (lower is better)"},
    {"brier", "Brier (votes)", nullptr},
    {"ece", "ECE", nullptr},
    {"consistency", "consistency", nullptr},
    {"first_share", "says the first", nullptr},
};
constexpr Column kThought[] = {
    {"thought_truth", "true statements", "Statements of the thoughts that are true"},
    {"contradiction", "contradiction", "Verdicts that a listener does not share (lower is better)"},
    {"accuracy_agreed", "accuracy where it agrees", nullptr},
    {"accuracy_contradicted", "where it does not", nullptr},
    {"well_formed", "well formed", nullptr},
    {"completion_tokens", "tokens", nullptr},
};

// What stands behind a table's columns: a heading, and the arm's cell.
struct LastColumn {
  const char* heading;
  std::string (*cell)(const Json& arm, const std::string& split);
};

const Json& metric_of(const Json& arm, const std::string& split, const char* metric) {
  static const Json kNone;
  const Json& metrics = arm["splits"][split];
  return metrics.contains(metric) ? metrics[metric] : kNone;
}

std::string table(const Json& comparison, const std::string& split, std::span<const Column> columns, const LastColumn& last) {
  std::string out = "<div class=\"wide\"><table class=\"numbers-of arms\"><thead><tr><th>arm</th><th>seeds</th>";
  for (const Column& c : columns) out += format("<th>{}</th>", c.heading);
  out += format("<th>{}</th></tr></thead><tbody>\n", last.heading);
  for (const Json& arm : comparison["arms"]) {
    const std::string against = arm["against"].is_string() ? arm["against"].get<std::string>() : "";
    out += format(
        "<tr><th scope=\"row\"{}><bdi>{}</bdi>{}</th><td>{}{}</td>", attribute("title", arm["note"].get<std::string>()),
        escape(arm["name"].get<std::string>()), against.empty() ? "" : format("<br><span>△ {}</span>", escape(against)),
        arm["seeds"].size(),
        arm["unfinished"].get<int>() > 0 ? format(" <span>of {}</span>", arm["seeds"].size() + arm["unfinished"].get<std::size_t>()) : "");
    for (const Column& c : columns) out += metric_cell(metric_of(arm, split, c.metric));
    out += format("<td>{}</td></tr>\n", last.cell(arm, split));
  }
  return out + "</tbody></table></div>\n";
}

std::string plot(const Json& comparison, const std::string& split, const Column& column) {
  IntervalPlot plot{.title = column.plot_title, .rows = {}, .reference = std::numeric_limits<double>::quiet_NaN()};
  for (const Json& arm : comparison["arms"])
    if (!arm["seeds"].empty()) add_interval_row(plot, arm["name"].get<std::string>(), metric_of(arm, split, column.metric));
  return interval_plot(plot);
}

std::string gap_closed(const Json& arm, const std::string& split) {
  const double gap = number_at(metric_of(arm, split, "verdict_accuracy"), "gap_closed");
  return std::isfinite(gap) ? format("{:.0f}%", 100 * gap) : "–";
}

std::string seconds_a_step(const Json& arm, const std::string&) {
  const double seconds = number_at(arm, "step_time");
  return std::isfinite(seconds) ? format("{:.1f}", seconds) : "–";
}

// Accuracy by how far the listener went along with the verdict, a series per arm. Where some arms have more seeds than others only those
// are drawn, and the first: a dozen lines cannot be told apart.
std::string failure_figure(const Json& comparison, const std::string& split) {
  LinePlot figure{.title = "Accuracy by the listener's probability of the verdict (deciles)",
                  .x_label = "decile, least agreement first",
                  .series = {},
                  .share_axis = true,
                  .width = 640,
                  .height = 340};
  std::size_t seeds = 0;
  for (const Json& arm : comparison["arms"]) seeds = std::max(seeds, arm["seeds"].size());
  for (const Json& arm : comparison["arms"]) {
    const Json& bins = metric_of(arm, split, "by_listener");
    if (!bins.is_array() || bins.empty() || (arm["seeds"].size() < seeds && &arm != &comparison["arms"][0])) continue;
    Series series{.name = arm["name"].get<std::string>(), .x = {}, .y = {}, .marked = true};
    for (const Json& bin : bins) {
      series.x.push_back(static_cast<double>(series.x.size() + 1));
      series.y.push_back(bin["accuracy"].get<double>());
    }
    figure.series.push_back(std::move(series));
  }
  return figure.series.empty() ? "" : "<div class=\"curves\">" + line_plot(figure) + "</div>";
}

}  // namespace

void write_experiment_report(const std::string& path, const Json& comparison, const std::vector<LinePlot>& curves) {
  std::string out = page_head(comparison["title"].get<std::string>());
  out +=
      "<p>Every arm against the first one. Values are pooled over an arm's seeds; brackets are 95% bootstrap intervals over prompts; the "
      "second line of a cell is the paired difference to the first arm, <span class=\"sure\">marked</span> where its interval leaves out "
      "zero; △ is the difference to the arm named under it. Small dots are single seeds. Gap closed: how far an arm came from the first "
      "arm to the best accuracy any judge can have. Both orders: one sampled thought each; all votes: all of them. Brier is against the "
      "true share, Brier (votes) and ECE against the votes.</p>\n";
  for (const Json& name : comparison["splits"]) {
    const std::string split = name.get<std::string>();
    out += format("<section class=\"split\"><h2>{}</h2>\n<div class=\"plots\">", escape(split));
    for (const std::span<const Column> columns : {std::span<const Column>(kVerdict), std::span<const Column>(kThought)})
      for (const Column& column : columns)
        if (column.plot_title) out += plot(comparison, split, column);
    out += "</div>\n<h3>The verdict</h3>\n" + table(comparison, split, kVerdict, {"gap closed", gap_closed});
    out += "<h3>The thought</h3>\n" + table(comparison, split, kThought, {"s/step", seconds_a_step}) + failure_figure(comparison, split) +
           "</section>\n";
  }
  write_file_atomic(path, out + curves_section(curves) + page_tail(""));
}

}  // namespace beholder::report
