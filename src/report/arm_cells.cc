#include "report/arm_cells.h"

#include <cmath>
#include <limits>

#include "core/format.h"

namespace beholder::report {
namespace {

// A difference with its interval on a line of its own; `to` stands before it.
std::string difference_line(const Json& entry, const char* name, const std::string& to) {
  const std::string interval = std::string(name) + "_interval";
  const double low = bound_at(entry, interval.c_str(), 0), high = bound_at(entry, interval.c_str(), 1);
  if (!std::isfinite(low)) return "";
  return format("<br><span{}>{}{:+.3f} [{:+.3f}, {:+.3f}]</span>", low > 0 || high < 0 ? " class=\"sure\"" : "", to, number_at(entry, name),
                low, high);
}

// Small dots are single seeds, where there are several, less `origin`.
IntervalRow row_of(const std::string& arm, const Json& entry, const char* value, const char* interval, double origin) {
  IntervalRow row{
      .name = arm, .value = number_at(entry, value), .low = bound_at(entry, interval, 0), .high = bound_at(entry, interval, 1), .dots = {}};
  if (entry.is_object() && entry.contains("by_seed") && entry["by_seed"].size() > 1)
    for (const Json& v : entry["by_seed"])
      if (v.is_number()) row.dots.push_back(v.get<double>() - origin);
  return row;
}

}  // namespace

double number_at(const Json& entry, const char* name) {
  return entry.is_object() && entry.contains(name) && entry[name].is_number() ? entry[name].get<double>()
                                                                              : std::numeric_limits<double>::quiet_NaN();
}

double bound_at(const Json& entry, const char* name, std::size_t side) {
  return entry.is_object() && entry.contains(name) && entry[name].is_array() ? entry[name].at(side).get<double>()
                                                                             : std::numeric_limits<double>::quiet_NaN();
}

std::string metric_cell(const Json& entry) {
  const double value = number_at(entry, "value"), low = bound_at(entry, "interval", 0);
  if (!std::isfinite(value)) return "<td>–</td>";
  std::string out = format("<td>{:.3f}", value);
  if (std::isfinite(low)) out += format(" <span>[{:.3f}, {:.3f}]</span>", low, bound_at(entry, "interval", 1));
  return out + difference_line(entry, "difference", "") + difference_line(entry, "against", "△ ") + "</td>";
}

void add_interval_row(IntervalPlot& plot, const std::string& arm, const Json& entry) {
  plot.rows.push_back(row_of(arm, entry, "value", "interval", 0));
  if (plot.rows.size() == 1) plot.reference = plot.rows[0].value;
}

void add_difference_row(IntervalPlot& plot, const std::string& arm, const Json& entry) {
  const double first = number_at(entry, "value") - number_at(entry, "difference");
  if (std::isfinite(first)) plot.rows.push_back(row_of(arm, entry, "difference", "difference_interval", first));
}

std::string curves_section(const std::vector<LinePlot>& curves) {
  if (curves.empty()) return "";
  std::string out = "<section class=\"curves-of\"><h2>Learning curves</h2><div class=\"curves\">\n";
  for (const LinePlot& curve : curves) out += line_plot(curve);
  return out + "</div></section>\n";
}

}  // namespace beholder::report
