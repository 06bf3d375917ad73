#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "report/experiment_report.h"
#include "report/html.h"

namespace beholder::report {
namespace {

constexpr int kRow = 24, kTop = 40, kBottom = 26, kRight = 18;  // px

}  // namespace

std::string interval_plot(const IntervalPlot& plot) {
  double low = 1e300, high = -1e300;
  const auto take = [&](double v) {
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  };
  for (const IntervalRow& row : plot.rows) {
    take(row.value), take(row.low), take(row.high);
    for (const double dot : row.dots) take(dot);
  }
  take(plot.reference);
  if (low > high) low = 0, high = 1;
  const double margin = std::max(1e-3, 0.06 * (high - low));
  low -= margin, high += margin;
  const int height = kTop + kBottom + kRow * static_cast<int>(plot.rows.size());
  const auto x = [&](double v) { return plot.name_width + (v - low) / (high - low) * (plot.width - plot.name_width - kRight); };
  std::string out = format("<svg class=\"plot intervals\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\"{}>", plot.width,
                           height, plot.width, height, attribute("aria-label", plot.title));
  out += format("<text class=\"title\" x=\"0\" y=\"16\">{}</text>", escape(plot.title));
  for (const double tick : nice_ticks(low, high))
    out += format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=\"tick-x\" x=\"{0:.1f}\" "
        "y=\"{3}\">{4}</text>",
        x(tick), kTop - 8, height - kBottom, height - kBottom + 16, tick_text(tick));
  if (std::isfinite(plot.reference))
    out +=
        format("<line class=\"half\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>", x(plot.reference), kTop - 8, height - kBottom);
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const IntervalRow& row = plot.rows[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    out += format("<text class=\"row-name\" x=\"0\" y=\"{:.1f}\">{}</text>", y + 4, escape(row.name));
    if (!std::isfinite(row.value)) continue;
    for (const double dot : row.dots)
      if (std::isfinite(dot)) out += format("<circle class=\"seed\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>", x(dot), y + 7);
    out += format("<line class=\"whisker\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x(row.low), x(row.high), y, y);
    const std::string interval = row.low < row.high ? format(" [{:.3f}, {:.3f}]", row.low, row.high) : "";
    out += format("<circle class=\"value\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"><title>{:.3f}{}</title></circle>", x(row.value), y,
                  row.value, interval);
  }
  return out + "</svg>\n";
}

}  // namespace beholder::report
