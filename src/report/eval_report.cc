#include "report/eval_report.h"

#include <cmath>
#include <limits>

#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "report/eval_wins.h"
#include "report/experiment_report.h"
#include "report/html.h"
#include "report/page.h"
#include "report/svg.h"

namespace beholder::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

IntervalRow row_of(const std::string& name, const Json& metric) {
  const double value = metric.at("value").is_number() ? metric["value"].get<double>() : kNaN;
  IntervalRow row{.name = name, .value = value, .low = value, .high = value, .dots = {}};
  if (const Json interval = metric.value("interval", Json()); interval.is_array()) {
    row.low = interval.at(0).get<double>();
    row.high = interval.at(1).get<double>();
  }
  return row;
}

std::string value_html(const Json& metric) {
  if (!metric.contains("value") || !metric["value"].is_number()) return "–";
  std::string out = format("<b>{:.4f}</b>", metric["value"].get<double>());
  if (const Json interval = metric.value("interval", Json()); interval.is_array())
    out += format(" <span>[{:.4f}, {:.4f}]</span>", interval.at(0).get<double>(), interval.at(1).get<double>());
  return out;
}

std::string headline(const Json& result) {
  return format(
      "<section class=\"record\"><p class=\"kicker\">{}{}</p>\n<h2 class=\"prompt\">{}</h2>\n<p class=\"hint\">n = {} {}, 95% interval by "
      "bootstrap over {} prompts. {} label ties, {} predicted ties, {} unparsed, {} missing.</p>\n<p class=\"small\">Rule: {}.</p>\n",
      escape(result.at("protocol").get<std::string>()), result.at("higher_is_better").get<bool>() ? "" : " · lower is better",
      value_html(result), result.at("n").get<std::int64_t>(), escape(result.at("unit").get<std::string>()),
      result.at("prompts").get<std::int64_t>(), result.at("label_ties").get<std::int64_t>(),
      result.at("predicted_ties").get<std::int64_t>(), result.at("unparsed").get<std::int64_t>(), result.at("missing").get<std::int64_t>(),
      escape(result.at("rule").get<std::string>()));
}

// What the readers of the data did not take: files, columns, rows that they counted.
std::string left_out_by_readers(const Json& data) {
  std::string parts;
  const Json notes = data.value("notes", Json::object()), files = data.value("left_out", Json::object());
  for (const auto& [what, n] : notes.items()) parts += format("<li>noted while reading: {} ({})</li>", escape(what), n.get<std::int64_t>());
  for (const auto& [file, why] : files.items()) parts += format("<li><bdi>{}</bdi>: {}</li>", escape(file), escape(why.get<std::string>()));
  for (const Json& member : data.value("refused", Json::array()))
    parts += format("<li>refused in an archive: {}</li>", escape(member.get<std::string>()));
  if (const auto columns = data.value("unknown_columns", std::vector<std::string>{}); !columns.empty())
    parts += format("<li>columns nobody reads: {}</li>", escape(fmt::to_string(fmt::join(columns, ", "))));
  return parts;
}

std::string left_out(const Json& result) {
  std::string parts;
  for (const auto& [key, what] : {std::pair("bad_records", "lines of the data could not be read"),
                                  {"unlabelled", "records have no label"},
                                  {"bad_scores", "lines of scores could not be read"},
                                  {"unknown_scores", "scores belong to no record"}})
    if (const auto n = result.value(key, std::int64_t{0}); n > 0) parts += format("<li>{} {}</li>", n, what);
  parts += left_out_by_readers(result.value("data", Json::object()));
  return parts.empty() ? "" : format("<div class=\"box warn\"><h3>Not measured</h3><ul>{}</ul></div>\n", parts);
}

std::string metrics_table(const Json& result) {
  std::string out = "<h3 class=\"section\">Beside it</h3><table class=\"numbers-of arms\"><tbody>\n";
  for (const auto& [name, metric] : result.at("metrics").items())
    out += format("<tr><th scope=\"row\">{}</th><td>{}</td><td>n = {}</td></tr>\n", escape(name), value_html(metric),
                  metric.at("n").get<std::int64_t>());
  if (result.contains("calibration"))
    out += format("<tr><th scope=\"row\">ECE, 15 equal-mass bins</th><td><b>{:.4f}</b></td><td>n = {}</td></tr>\n",
                  result["calibration"].at("ece").get<double>(), result["calibration"].at("n").get<std::int64_t>());
  for (const char* fitted : {"epsilon", "threshold"})
    if (result.contains(fitted))
      out += format("<tr><th scope=\"row\">{}</th><td><b>{:.6g}</b></td><td></td></tr>\n", fitted, result[fitted].get<double>());
  return out + "</tbody></table>\n";
}

std::string published_plot(const Json& result, const Json& beside) {
  if (beside.empty()) return "";
  IntervalPlot plot{.title = "Published under the same protocol on the same data",
                    .rows = {row_of(result.at("judge").get<std::string>(), result)},
                    .reference = kNaN,
                    .width = 640};
  plot.reference = plot.rows[0].value;
  for (const Json& entry : beside)
    plot.rows.push_back(row_of(entry.at("name").get<std::string>() + (entry.at("kind") == "human" ? " (people)" : ""), entry));
  return "<div class=\"plots\">" + interval_plot(plot) + "</div>\n";
}

std::string reliability(const Json& result) {
  if (!result.contains("calibration")) return "";
  LinePlot plot{.title = "Reliability: how often it is right, by how sure it is",
                .x_label = "confidence max(p, 1 - p)",
                .series = {},
                .share_axis = true,
                .width = 480,
                .height = 320};
  Series judge{.name = "judge", .x = {}, .y = {}, .marked = true};
  for (const Json& bin : result["calibration"].at("bins")) {
    judge.x.push_back(bin.at("confidence").get<double>());
    judge.y.push_back(bin.at("accuracy").get<double>());
  }
  plot.series = {judge, {.name = "calibrated", .x = {0.5, 1}, .y = {0.5, 1}, .marked = false}};
  return format(
      "<h3 class=\"section\">Can its probabilities be trusted?</h3><div class=\"plots\">{}</div>\n<p class=\"hint\">Each dot is one of {} "
      "equally full bins of pairs that people are not tied on; ECE {:.4f}.</p>\n",
      line_plot(plot), judge.x.size(), result["calibration"].at("ece").get<double>());
}

std::string interval_rows(const Json& list, const char* key, const std::string& title, double reference) {
  if (!list.is_array() || list.empty()) return "";
  IntervalPlot plot{.title = title, .rows = {}, .reference = reference};
  for (const Json& entry : list)
    plot.rows.push_back(row_of(format("{} (n {})", entry.at(key).get<std::string>(), entry.at("n").get<std::int64_t>()), entry));
  return interval_plot(plot);
}

std::string where_right(const Json& result) {
  std::string plots;
  for (const auto& [part, key, title] : {std::tuple("by_gap", "gap", "Accuracy by how far opinions lie apart"),
                                         {"by_votes", "votes", "Accuracy by number of votes"},
                                         {"by_listener", "listener", "Accuracy where the listener agrees or not"}})
    plots += interval_rows(result.value(part, Json()), key, title, 0.5);
  return plots.empty() ? "" : format("<h3 class=\"section\">Where it is right</h3><div class=\"plots\">{}</div>\n", plots);
}

std::string position(const Json& result) {
  if (!result.contains("position")) return "";
  const Json& p = result["position"];
  return format(
      "<h3 class=\"section\">What the order of the media does</h3><p class=\"hint\">Both orders choose the same medium in {} of pairs; the "
      "one shown "
      "first gets {} on average (0.5: no lean).</p><div class=\"plots\">{}{}</div>\n",
      value_html(p.at("consistency")), value_html(p.at("first_lean")),
      interval_rows(p.at("consistency_by_gap"), "gap", "Both orders agree, by gap", kNaN),
      interval_rows(p.at("first_lean_by_gap"), "gap", "Probability of what is shown first, by gap", 0.5));
}

std::string what_votes_buy(const Json& result) {
  if (!result.contains("cost_curve")) return "";
  std::string plots;
  for (const auto& [metric, title] :
       {std::pair("accuracy", "Accuracy, ties of people left out"), {"brier", "Brier score (lower is better)"}}) {
    LinePlot plot{
        .title = title,
        .x_label = "tokens per pair",
        .series = {{.name = "one order", .x = {}, .y = {}, .marked = true}, {.name = "both orders", .x = {}, .y = {}, .marked = true}}};
    for (const Json& point : result["cost_curve"]) {
      Series& series = plot.series[point.at("orders").get<int>() == 2 ? 1 : 0];
      series.x.push_back(point.at("tokens").get<double>());
      series.y.push_back(point.at(metric).at("value").is_number() ? point[metric]["value"].get<double>() : kNaN);
    }
    plots += line_plot(plot);
  }
  return "<h3 class=\"section\">What asking more buys</h3><div class=\"plots\">" + plots +
         "</div>\n<p class=\"hint\">Each dot has twice the thoughts of the one before it; fewer thoughts are groups of the same "
         "ones.</p>\n";
}

Facts run_facts(const Json& result) {
  Facts facts;
  const auto text = [](const Json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
  for (const auto& [key, value] : result.at("settings").items()) facts.emplace_back(key, text(value));
  if (!result.contains("cost")) return facts;
  for (const auto& [key, value] : result["cost"].items())
    facts.emplace_back(key, key == "seconds" ? human_duration(value.get<double>()) : text(value));
  return facts;
}

std::string leaderboard_rows(const Json& table) {
  std::string out = "<table class=\"numbers-of arms\"><thead><tr><th></th><th>value</th><th>n</th><th>source</th></tr></thead><tbody>\n";
  for (const Json& e : table.at("entries")) {
    const bool ours = e.at("kind") == "ours";
    out += format("<tr><th scope=\"row\"{}><bdi>{}</bdi>{}</th><td>{}</td><td>{}</td><td><bdi>{}</bdi></td></tr>\n",
                  ours ? " class=\"sure\"" : "", escape(e.at("name").get<std::string>()), e.at("kind") == "human" ? " (people)" : "",
                  value_html(e), e.at("n").is_number() ? e["n"].dump() : "–", escape(e.at("source").get<std::string>()));
  }
  return out + "</tbody></table>\n";
}

}  // namespace

void write_eval_report(const std::string& path, const Json& result, const Json& beside, const GalleryPictures& pictures) {
  std::string out = page_head(format("{} on {}", result.at("judge").get<std::string>(), result.at("dataset").get<std::string>()));
  out += headline(result) + left_out(result) + published_plot(result, beside) + metrics_table(result);
  out += reliability(result) + where_right(result) + position(result) + what_votes_buy(result) + wins_html(result) +
         worst_errors_html(result, pictures) + "</section>\n";
  write_file_atomic(
      path, out + page_tail("<h2>The evaluation</h2>\n" + facts_table(run_facts(result)) + "<p class=\"made\">Made by Beholder</p>\n"));
}

void write_leaderboard(const std::string& path, const Json& board) {
  std::string out = page_head("Leaderboard");
  out +=
      "<p>Numbers stand together only where the data and the protocol are the same. Published numbers rarely come with an interval; "
      "differences "
      "smaller than ours are not progress.</p>\n";
  for (const Json& table : board.at("tables")) {
    IntervalPlot plot{.title = table.at("protocol").get<std::string>(), .rows = {}, .reference = kNaN, .width = 720};
    for (const Json& e : table.at("entries"))
      plot.rows.push_back(row_of((e.at("kind") == "ours" ? "▸ " : "") + e.at("name").get<std::string>(), e));
    out += format("<section class=\"split\"><h2>{} on {}</h2><p class=\"small\">{}{}.</p><div class=\"plots\">{}</div>{}</section>\n",
                  escape(table.at("protocol").get<std::string>()), escape(table.at("dataset").get<std::string>()),
                  escape(table.at("rule").get<std::string>()), table.at("higher_is_better").get<bool>() ? "" : "; lower is better",
                  interval_plot(plot), leaderboard_rows(table));
  }
  if (!board.at("other_protocols").empty())
    out +=
        "<section class=\"split\"><h2>Not comparable</h2><p class=\"small\">Published on the same data under another protocol, or one that "
        "the source does "
        "not state.</p>\n";
  for (const Json& table : board["other_protocols"])
    out += format("<h3 class=\"section\">{}: {}</h3>\n{}", escape(table.at("dataset").get<std::string>()),
                  escape(table.at("protocol").get<std::string>()), leaderboard_rows(table));
  if (!board["other_protocols"].empty()) out += "</section>\n";
  write_file_atomic(path, out + page_tail("<p class=\"made\">Made by Beholder</p>\n"));
}

}  // namespace beholder::report
