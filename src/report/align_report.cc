#include "report/align_report.h"

#include "core/file.h"
#include "core/format.h"
#include "report/arm_cells.h"
#include "report/html.h"
#include "report/media_strip.h"
#include "report/page.h"
#include "report/picture.h"

namespace beholder::report {
namespace {

constexpr const char* kLevels[] = {"dimension", "sub-dimension", "question", "total"};

std::string arm_head(const Json& arm) {
  const Json unfinished = arm["unfinished"];
  return format("<tr><th scope=\"row\"{}><bdi>{}</bdi></th><td>{}{}</td>", attribute("title", arm["note"].get<std::string>()),
                escape(arm["name"].get<std::string>()), arm["seeds"].size(),
                unfinished.get<int>() > 0 ? format(" <span>of {}</span>", arm["seeds"].size() + unfinished.get<std::size_t>()) : "");
}

std::string table_head(const std::vector<std::string>& columns) {
  std::string out = "<div class=\"wide\"><table class=\"numbers-of arms\"><thead><tr>";
  for (const std::string& column : columns) out += format("<th>{}</th>", escape(column));
  return out + "</tr></thead><tbody>\n";
}

// One of a judge's entries of a dimension; null where there is none.
Json dimension_entry(const Json& arm, const std::string& judge, const std::string& dimension, const char* what) {
  const Json by = arm["judges"].value(judge, Json::object());
  return by.value("dimensions", Json::object()).value(dimension, Json::object()).value(what, Json());
}

std::string worse_cell(const Json& by) {
  if (!by.contains("worse")) return "<td>–</td>";
  const int surely = by["surely_worse"].get<int>();
  return format("<td>{}<br><span{}>{} surely</span></td>", by["worse"].get<int>(), surely > 0 ? " class=\"sure\"" : "", surely);
}

std::string scores_table(const Json& outcome, const std::string& judge) {
  std::vector<std::string> columns = {"arm", "seeds", "total", "wins", "dimensions worse"};
  for (const Json& dimension : outcome["dimensions"]) columns.push_back(dimension.get<std::string>());
  std::string out = table_head(columns);
  for (const Json& arm : outcome["arms"]) {
    const Json by = arm["judges"].value(judge, Json::object());
    out += arm_head(arm) + metric_cell(by.value("total", Json())) + metric_cell(by.value("win", Json())) + worse_cell(by);
    for (const Json& dimension : outcome["dimensions"])
      out += metric_cell(dimension_entry(arm, judge, dimension.get<std::string>(), "reward"));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string yes_table(const Json& outcome, const std::string& judge) {
  std::vector<std::string> columns = {"arm", "seeds"};
  for (const Json& dimension : outcome["dimensions"]) columns.push_back(dimension.get<std::string>());
  std::string out = table_head(columns);
  for (const Json& arm : outcome["arms"]) {
    out += arm_head(arm);
    for (const Json& dimension : outcome["dimensions"])
      out += metric_cell(dimension_entry(arm, judge, dimension.get<std::string>(), "yes"));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// What every arm gained over the base.
template <class EntryOf>
std::string gain_plot(const Json& outcome, const std::string& title, const EntryOf& entry_of) {
  IntervalPlot plot{.title = title, .rows = {}, .reference = 0};
  for (const Json& arm : outcome["arms"]) add_difference_row(plot, arm["name"].get<std::string>(), entry_of(arm));
  return plot.rows.empty() ? "" : interval_plot(plot);
}

std::string judge_section(const Json& outcome, const std::string& judge) {
  std::string out = format("<section class=\"split\"><h2>Judged by <bdi>{}</bdi></h2>\n<div class=\"plots\">", escape(judge));
  out += gain_plot(outcome, "Total, difference to the base",
                   [&](const Json& arm) { return arm["judges"].value(judge, Json::object()).value("total", Json()); });
  for (const Json& dimension : outcome["dimensions"]) {
    const std::string name = dimension.get<std::string>();
    out += gain_plot(outcome, name + ", difference", [&](const Json& arm) { return dimension_entry(arm, judge, name, "reward"); });
  }
  return out + "</div>\n<h3>Rewards</h3>\n" + scores_table(outcome, judge) + "<h3>Questions answered yes</h3>\n" +
         yes_table(outcome, judge) + "</section>\n";
}

// The pairs of an arm's seeds together, at every level.
std::string pairs_table(const Json& outcome) {
  std::vector<std::string> columns = {"arm", "seeds", "level", "threshold", "pairs used"};
  for (const char* level : kLevels) columns.push_back(format("at level {}", level));
  std::string out =
      "<section class=\"split\"><h2>Pairs</h2><p class=\"hint\">Of all seeds together: those that were used, and those that every level "
      "gives at "
      "the arm's threshold.</p>\n" +
      table_head(columns);
  for (const Json& arm : outcome["arms"]) {
    if (!arm.contains("pairs")) continue;
    std::int64_t written = 0;
    std::vector<std::int64_t> counts(std::size(kLevels));
    for (const Json& seed : arm["pairs"]) {
      written += seed.value("written", std::int64_t{0});
      for (std::size_t k = 0; k < counts.size(); ++k)
        counts[k] += seed.value("levels", Json::object()).value(kLevels[k], Json::object()).value("pairs", std::int64_t{0});
    }
    out += arm_head(arm) +
           format("<td>{}</td><td>{}</td><td>{}</td>", escape(arm["level"].get<std::string>()), arm["threshold"].get<double>(), written);
    for (const std::int64_t n : counts) out += arm["pairs"].empty() ? "<td>–</td>" : format("<td>{}</td>", n);
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  for (const Json& arm : outcome["arms"])
    for (const Json& problem : arm["problems"])
      out += format("<p><bdi>{}</bdi>, seed {}: {}</p>\n", escape(arm["name"].get<std::string>()), problem["seed"].get<std::int64_t>(),
                    escape(problem["problem"].get<std::string>()));
  return out + "</section>\n";
}

std::string grid_html(const SampleGrid& grid) {
  if (grid.rows.empty()) return "";
  std::vector<std::string> columns = {"prompt"};
  columns.insert(columns.end(), grid.arms.begin(), grid.arms.end());
  std::string out =
      "<section class=\"split\"><h2>The same prompts and seeds</h2><p class=\"hint\">Of every arm its first seed's training.</p>\n" +
      table_head(columns);
  const int side = fitting_side(128, grid.rows.size() * grid.arms.size());
  for (const SampleRow& row : grid.rows) {
    out += format("<tr><th scope=\"row\"><bdi>{}</bdi><br><span>seed {}</span></th>", escape(row.prompt), row.seed);
    for (const std::string& file : row.files)
      out += format("<td><div class=\"group-media\">{}</div></td>", file.empty() ? "" : media_figures(row.prompt, file, side));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></section>\n";
}

}  // namespace

void write_align_report(const std::string& path, const Json& outcome, const SampleGrid& grid, const std::vector<LinePlot>& curves) {
  std::string out = page_head(outcome["title"].get<std::string>());
  out += format(
      "<p>Every arm beside the generator as it was, the base: {}, {} each, from equal sampling seeds. Values are means over an arm's "
      "seeds; brackets are 95% bootstrap intervals over prompts; the second line of a cell is the paired difference to the base, <span "
      "class=\"sure\">marked</span> where its interval leaves out zero. Small dots are single seeds. Wins: the share of samples whose "
      "total "
      "is above that of the base's sample of the same prompt and seed, equal ones half. Dimensions worse: those whose reward is below the "
      "base's; surely: with the whole interval.</p>\n",
      count_of(outcome["prompts"].get<std::int64_t>(), "prompt", "prompts"),
      count_of(outcome["samples"].get<std::int64_t>(), "sample", "samples"));
  for (const Json& judge : outcome["judges"]) out += judge_section(outcome, judge.get<std::string>());
  out += pairs_table(outcome) + grid_html(grid);
  write_file_atomic(path, out + curves_section(curves) + page_tail(""));
}

}  // namespace beholder::report
