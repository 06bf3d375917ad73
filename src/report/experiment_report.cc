#include "report/experiment_report.h"

#include <cmath>
#include <limits>

#include "core/file.h"
#include "core/format.h"
#include "report/html.h"
#include "report/page.h"

namespace beholder::report {
namespace {

struct Column {
  const char* metric;
  const char* heading;
  const char* plot_title;  // null: only in the table
};
constexpr Column kColumns[] = {
    {"verdict_accuracy", "accuracy", "Agreement with the voters' majority"},
    {"brier_true", "Brier", "Brier score against the true vote share (lower is better)"},
    {"brier", "Brier (votes)", nullptr},
    {"contradiction", "contradiction", "Verdicts that a listener does not share (lower is better)"},
    {"thought_truth", "thought truth", nullptr},
    {"first_share", "says the first", nullptr},
    {"well_formed", "well formed", nullptr},
};

double number_at(const Json& entry, const char* name) {
  return entry.is_object() && entry.contains(name) && entry[name].is_number() ? entry[name].get<double>()
                                                                              : std::numeric_limits<double>::quiet_NaN();
}

double bound(const Json& entry, const char* name, std::size_t side) {
  return entry.is_object() && entry.contains(name) && entry[name].is_array() ? entry[name].at(side).get<double>()
                                                                             : std::numeric_limits<double>::quiet_NaN();
}

const Json& metric_of(const Json& arm, const std::string& split, const char* metric) {
  static const Json kNone;
  const Json& metrics = arm["splits"][split];
  return metrics.contains(metric) ? metrics[metric] : kNone;
}

std::string cell(const Json& entry) {
  const double value = number_at(entry, "value");
  if (!std::isfinite(value)) return "<td>–</td>";
  std::string out = format("<td>{:.3f} <span>[{:.3f}, {:.3f}]</span>", value, bound(entry, "interval", 0), bound(entry, "interval", 1));
  const double low = bound(entry, "difference_interval", 0), high = bound(entry, "difference_interval", 1);
  if (std::isfinite(low))
    out += format("<br><span{}>{:+.3f} [{:+.3f}, {:+.3f}]</span>", low > 0 || high < 0 ? " class=\"sure\"" : "",
                  number_at(entry, "difference"), low, high);
  return out + "</td>";
}

std::string table(const Json& comparison, const std::string& split) {
  std::string out = "<table class=\"numbers-of arms\"><thead><tr><th>arm</th><th>seeds</th>";
  for (const Column& c : kColumns) out += format("<th>{}</th>", c.heading);
  out += "<th>gap closed</th></tr></thead><tbody>\n";
  for (const Json& arm : comparison["arms"]) {
    out += format(
        "<tr><th scope=\"row\"{}><bdi>{}</bdi></th><td>{}{}</td>", attribute("title", arm["note"].get<std::string>()),
        escape(arm["name"].get<std::string>()), arm["seeds"].size(),
        arm["unfinished"].get<int>() > 0 ? format(" <span>of {}</span>", arm["seeds"].size() + arm["unfinished"].get<std::size_t>()) : "");
    for (const Column& c : kColumns) out += cell(metric_of(arm, split, c.metric));
    const double gap = number_at(metric_of(arm, split, "verdict_accuracy"), "gap_closed");
    out += std::isfinite(gap) ? format("<td>{:.0f}%</td></tr>\n", 100 * gap) : "<td>–</td></tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string plot(const Json& comparison, const std::string& split, const Column& column) {
  IntervalPlot plot{.title = column.plot_title, .rows = {}, .reference = std::numeric_limits<double>::quiet_NaN()};
  for (const Json& arm : comparison["arms"]) {
    const Json& entry = metric_of(arm, split, column.metric);
    IntervalRow row{.name = arm["name"].get<std::string>(),
                    .value = number_at(entry, "value"),
                    .low = bound(entry, "interval", 0),
                    .high = bound(entry, "interval", 1),
                    .dots = {}};
    if (entry.is_object() && entry.contains("by_seed") && entry["by_seed"].size() > 1)
      for (const Json& v : entry["by_seed"])
        if (v.is_number()) row.dots.push_back(v.get<double>());
    if (plot.rows.empty()) plot.reference = row.value;
    plot.rows.push_back(std::move(row));
  }
  return interval_plot(plot);
}

}  // namespace

void write_experiment_report(const std::string& path, const Json& comparison, const std::vector<LinePlot>& curves) {
  std::string out = page_head(comparison["title"].get<std::string>());
  out +=
      "<p>Every arm against the first one. Values are pooled over an arm's seeds; brackets are 95% bootstrap intervals over prompts; the "
      "second "
      "line of a cell is the paired difference to the first arm, <span class=\"sure\">marked</span> where its interval leaves out zero. "
      "Small "
      "dots are single seeds. Gap closed: how far an arm came from the first arm to the best accuracy any judge can have.</p>\n";
  for (const Json& name : comparison["splits"]) {
    const std::string split = name.get<std::string>();
    out += format("<section class=\"split\"><h2>{}</h2>\n<div class=\"plots\">", escape(split));
    for (const Column& column : kColumns)
      if (column.plot_title) out += plot(comparison, split, column);
    out += "</div>\n" + table(comparison, split) + "</section>\n";
  }
  if (!curves.empty()) {
    out += "<section class=\"curves-of\"><h2>Learning curves</h2><div class=\"curves\">\n";
    for (const LinePlot& curve : curves) out += line_plot(curve);
    out += "</div></section>\n";
  }
  write_file_atomic(path, out + page_tail(""));
}

}  // namespace beholder::report
