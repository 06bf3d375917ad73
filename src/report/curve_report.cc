#include "report/curve_report.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "report/html.h"
#include "report/metrics.h"
#include "report/page.h"

namespace beholder::report {
namespace {

constexpr std::string_view kEval = "eval_";

bool is_accuracy(const std::string& name) {
  return name.find("accuracy") != name.npos;
}

// A share that is written in per cent: accuracies that lie within [0, 1].
bool is_share(const Series& s) {
  return is_accuracy(s.name) && std::all_of(s.y.begin(), s.y.end(), [](double v) { return !std::isfinite(v) || (v >= 0 && v <= 1); });
}

// The training metric and its evaluation, where there are both; first the loss, then accuracies, then as they were logged.
std::vector<std::vector<std::string>> panels_of(const Metrics& metrics) {
  std::vector<std::vector<std::string>> panels;
  for (const std::string& name : metrics.names) {
    if (name.starts_with(kEval) && metrics.series.contains(name.substr(kEval.size()))) continue;
    panels.push_back({name});
    if (const std::string eval = std::string(kEval) + name; metrics.series.contains(eval)) panels.back().push_back(eval);
  }
  const auto order = [](const std::vector<std::string>& p) {
    return p[0] == "loss" || p[0] == "eval_loss" ? 0 : is_accuracy(p[0]) ? 1 : 2;
  };
  std::stable_sort(panels.begin(), panels.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return panels;
}

LinePlot plot_of(const Metrics& metrics, const std::vector<std::string>& names) {
  LinePlot plot;
  plot.title = names[0];
  plot.x_label = "step";
  plot.share_axis = true;
  plot.log_axis = names[0].ends_with("loss");
  for (const std::string& name : names) {
    Series s = metrics.series.at(name);
    s.marked = name.starts_with(kEval) && s.x.size() <= 60;
    plot.share_axis = plot.share_axis && is_share(s);
    plot.series.push_back(std::move(s));
  }
  return plot;
}

struct Extremes {
  double last = 0, low = 0, high = 0, low_at = 0, high_at = 0;
};

std::optional<Extremes> extremes_of(const Series& s) {
  std::optional<Extremes> out;
  for (std::size_t i = 0; i < s.y.size(); ++i) {
    if (!std::isfinite(s.y[i])) continue;
    if (!out) out = Extremes{s.y[i], s.y[i], s.y[i], s.x[i], s.x[i]};
    out->last = s.y[i];
    if (s.y[i] < out->low) out->low = s.y[i], out->low_at = s.x[i];
    if (s.y[i] > out->high) out->high = s.y[i], out->high_at = s.x[i];
  }
  return out;
}

std::string summary(const LinePlot& plot) {
  std::string out = "<table class=\"numbers-of\"><thead><tr><th></th><th>last</th><th>lowest</th><th>highest</th></tr></thead><tbody>\n";
  for (const Series& s : plot.series) {
    const auto e = extremes_of(s);
    out += format("<tr><th scope=\"row\"><bdi>{}</bdi></th>", escape(s.name));
    if (e) {
      out += format("<td>{}</td><td>{} <span>at {}</span></td><td>{} <span>at {}</span></td>", tick_text(e->last), tick_text(e->low),
                    tick_text(e->low_at), tick_text(e->high), tick_text(e->high_at));
    } else {
      out += "<td colspan=\"3\">never finite</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>";
}

std::vector<std::vector<std::string>> chosen(const Metrics& metrics, const std::vector<std::string>& wanted, const std::string& path) {
  const auto all = panels_of(metrics);
  std::vector<std::vector<std::string>> out;
  if (wanted.empty()) {
    out.push_back(all[0]);
    if (all.size() > 1 && is_accuracy(all[1][0])) out.push_back(all[1]);
    return out;
  }
  for (const std::string& name : wanted) {
    const auto it = std::find_if(all.begin(), all.end(), [&](const auto& p) { return std::find(p.begin(), p.end(), name) != p.end(); });
    if (it == all.end())
      throw Error(Code::kInvalidInput, path, format("the run logged no '{}'", name),
                  format("choose among {}", fmt::join(metrics.names, ", ")));
    out.push_back(it->at(0) == name ? *it : std::vector<std::string>{name});
  }
  return out;
}

}  // namespace

void write_curve_report(const std::string& path, const std::string& metrics_path, const std::string& title, std::string_view more) {
  const Metrics metrics = read_metrics(metrics_path);
  std::string out = page_head(title) + "<div class=\"curves\">\n";
  for (const auto& names : panels_of(metrics)) {
    const LinePlot plot = plot_of(metrics, names);
    out += format("<section class=\"curve\">{}{}</section>\n", line_plot(plot), summary(plot));
  }
  out += "</div>\n";
  if (metrics.broken > 0)
    out += format("<div class=\"box warn\" role=\"note\"><p>{} of the file could not be read and {} left out.</p></div>\n",
                  count_of(metrics.broken, "line", "lines"), metrics.broken == 1 ? "was" : "were");
  out += more;
  const Facts facts{{"Metrics", metrics_path},
                    {"Lines", std::to_string(metrics.lines)},
                    {"Last step", std::to_string(metrics.last_step)},
                    {"Time", human_duration(metrics.seconds)}};
  out += page_tail("<p>Faint: as logged. Bold: a running mean over a fiftieth of the run.</p>\n" + facts_table(facts) +
                   "<p class=\"made\">Made by Beholder</p>\n");
  write_file_atomic(path, out);
}

void write_curve_svg(const std::string& path, const std::string& metrics_path, const std::string& title,
                     const std::vector<std::string>& names) {
  const Metrics metrics = read_metrics(metrics_path);
  const auto panels = chosen(metrics, names, metrics_path);
  const LinePlot size;
  constexpr int kMargin = 12, kTitle = 30;
  std::string inner = format("<text class=\"heading\" x=\"{}\" y=\"24\">{}</text>\n", kMargin + 4, escape(title));
  int x = kMargin;
  for (const auto& panel : panels) {
    inner += format("<g transform=\"translate({} {})\">{}</g>\n", x, kTitle, line_plot(plot_of(metrics, panel)));
    x += size.width + kMargin;
  }
  write_file_atomic(path, standalone_svg(inner, x, size.height + kTitle + kMargin, title));
}

}  // namespace beholder::report
