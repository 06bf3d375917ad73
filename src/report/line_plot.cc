#include <algorithm>
#include <cmath>
#include <limits>

#include "core/format.h"
#include "report/html.h"
#include "report/svg.h"

namespace beholder::report {
namespace {

constexpr int kColours = 8;
constexpr std::size_t kSmoothFrom = 100;
constexpr int kFieldLeft = 52, kFieldRight = 14, kFieldTop = 46, kFieldBottom = 34;  // px around the field
constexpr int kLegendRow = 17;                                                       // px

struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void take(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  bool empty() const { return low > high; }
  void widen() {
    if (high > low) return;
    const double half = low == 0 ? 1 : 0.1 * std::abs(low);
    low -= half;
    high += half;
  }
};

struct Field {
  Span x, y;  // y: of the values, or of their logarithms
  int width, height, top;
  bool log;
  double px(double v) const { return kFieldLeft + (v - x.low) / (x.high - x.low) * (width - kFieldLeft - kFieldRight); }
  double py(double v) const {
    const double at = log ? std::log10(v) : v;
    return height - kFieldBottom - (at - y.low) / (y.high - y.low) * (height - top - kFieldBottom);
  }
};

// Beyond 1e300 the differences that a plot is made of are not finite any more.
bool finite_at(const Series& s, std::size_t i) {
  return std::abs(s.x[i]) <= 1e300 && std::abs(s.y[i]) <= 1e300;
}

// Lowest and highest of the middle 98% of each series, so that one spike does not flatten the rest.
Span values_span(const LinePlot& plot) {
  Span out;
  for (const Series& s : plot.series) {
    std::vector<double> values;
    for (std::size_t i = 0; i < s.y.size(); ++i)
      if (finite_at(s, i)) values.push_back(s.y[i]);
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    const std::size_t cut = values.size() >= 100 ? values.size() / 100 : 0;
    out.take(values[cut]);
    out.take(values[values.size() - 1 - cut]);
  }
  return out;
}

bool wants_log(const LinePlot& plot) {
  double low = std::numeric_limits<double>::infinity();
  for (const Series& s : plot.series)
    for (std::size_t i = 0; i < s.y.size(); ++i)
      if (finite_at(s, i)) low = std::min(low, s.y[i]);
  const Span span = values_span(plot);
  return plot.log_axis && !span.empty() && low > 0 && span.high > 20 * span.low;
}

Span y_span(const LinePlot& plot, bool log) {
  Span out = values_span(plot);
  if (out.empty()) return out;
  if (log) out = {std::log10(out.low), std::log10(out.high)};
  out.widen();
  const double room = 0.06 * (out.high - out.low);
  const bool from_zero = !log && out.low >= 0 && out.low - room < 0.25 * out.high;  // a floor of 0 is worth showing when it is near
  out.low = from_zero ? 0 : out.low - room;
  out.high += room;
  if (plot.share_axis) out.high = std::min(out.high, 1.0 + 0.02 * (1.0 - out.low));
  if (out.high <= out.low) out.high = out.low + 1;
  return out;
}

// Keeps the lowest and highest point of each pixel column, in order.
Series thinned(const Series& s, const Field& field) {
  if (s.y.size() <= 2 * static_cast<std::size_t>(field.width)) return s;
  Series out{s.name, {}, {}, s.marked};
  for (std::size_t begin = 0; begin < s.y.size();) {
    const int column = finite_at(s, begin) ? static_cast<int>(field.px(s.x[begin])) : -1;
    std::size_t end = begin + 1, low = begin, high = begin;
    for (; end < s.y.size() && finite_at(s, end) && column == static_cast<int>(field.px(s.x[end])); ++end) {
      if (s.y[end] < s.y[low]) low = end;
      if (s.y[end] > s.y[high]) high = end;
    }
    const auto keep = [&](std::size_t i) {
      out.x.push_back(s.x[i]);
      out.y.push_back(s.y[i]);
    };
    keep(std::min(low, high));
    if (low != high) keep(std::max(low, high));
    begin = end;
  }
  return out;
}

// A curve that turns at more than a tenth of its points hides its course in noise.
bool is_noisy(const Series& s) {
  std::size_t turns = 0;
  for (std::size_t i = 2; i < s.y.size(); ++i) turns += (s.y[i] - s.y[i - 1]) * (s.y[i - 1] - s.y[i - 2]) < 0 ? 1 : 0;
  return 10 * turns > s.y.size();
}

Series smoothed(const Series& s) {
  Series out = s;
  const double keep = 1 - 1 / std::max(2.0, static_cast<double>(s.y.size()) / 50);
  double mean = 0, weight = 0;  // both decay, so that the first points are not pulled to 0
  for (std::size_t i = 0; i < s.y.size(); ++i) {
    if (!finite_at(s, i)) continue;
    mean = keep * mean + (1 - keep) * s.y[i];
    weight = keep * weight + (1 - keep);
    out.y[i] = mean / weight;
  }
  return out;
}

std::string path_of(const Series& whole, const Field& field, std::string_view cls) {
  const Series s = thinned(whole, field);
  std::string d;
  bool down = false;
  for (std::size_t i = 0; i < s.y.size(); ++i) {
    if (!finite_at(s, i)) {
      down = false;
      continue;
    }
    const double y = std::clamp(field.py(s.y[i]), field.top - 4.0, field.height - kFieldBottom + 4.0);
    d += format("{}{:.1f} {:.1f}", down ? "L" : "M", field.px(s.x[i]), y);
    down = true;
  }
  return d.empty() ? "" : format("<path class=\"{}\" d=\"{}\"/>", cls, d);
}

std::string curve(const Series& s, const Field& field, int colour) {
  const bool smooth = !s.marked && s.y.size() >= kSmoothFrom && is_noisy(s);
  std::string out = format("<g class=\"c{}\">", colour);
  if (smooth) out += path_of(s, field, "raw");
  out += path_of(smooth ? smoothed(s) : s, field, "line");
  for (std::size_t i = 0; s.marked && s.y.size() <= 200 && i < s.y.size(); ++i)
    if (finite_at(s, i)) out += format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", field.px(s.x[i]), field.py(s.y[i]));
  return out + "</g>";
}

std::string axes(const LinePlot& plot, const Field& field) {
  std::string out;
  const int right = plot.width - kFieldRight, bottom = plot.height - kFieldBottom;
  const auto ticks = field.log ? log_ticks(std::pow(10, field.y.low), std::pow(10, field.y.high)) : nice_ticks(field.y.low, field.y.high);
  for (const double v : ticks) {
    const double y = field.py(v);
    out += format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text class=\"tick-y\" x=\"{}\" y=\"{:.1f}\">{}</text>",
        kFieldLeft, right, y, y, kFieldLeft - 7, y + 4, plot.share_axis ? tick_text(100 * v) + "%" : tick_text(v));
  }
  for (const double v : nice_ticks(field.x.low, field.x.high))
    out += format("<text class=\"tick-x\" x=\"{:.1f}\" y=\"{}\">{}</text>", field.px(v), bottom + 17, tick_text(v));
  out += format("<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", kFieldLeft, right, bottom, bottom);
  return out + format("<text class=\"x-label\" x=\"{}\" y=\"{}\">{}</text>", right, plot.height - 4, escape(plot.x_label));
}

struct Legend {
  std::string svg;
  int rows = 1;
};

Legend legend(const LinePlot& plot) {
  Legend out;
  if (plot.series.size() == 1 && plot.series[0].name == plot.title) return out;
  int x = kFieldLeft, y = 33;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const int width = 36 + 7 * static_cast<int>(plot.series[i].name.size());
    if (x > kFieldLeft && x + width > plot.width) {
      x = kFieldLeft;
      y += kLegendRow;
      ++out.rows;
    }
    out.svg += format(
        "<g class=\"c{}\"><line class=\"line\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/></g><text class=\"key\" x=\"{}\" "
        "y=\"{}\">{}</text>",
        i % kColours, x, x + 16, y, y, x + 21, y + 4, escape(plot.series[i].name));
    x += width;
  }
  return out;
}

}  // namespace

std::string line_plot(const LinePlot& plot) {
  const bool log = wants_log(plot);
  const Legend keys = legend(plot);
  Field field{{}, y_span(plot, log), plot.width, plot.height, kFieldTop + kLegendRow * (keys.rows - 1), log};
  for (const Series& s : plot.series)
    for (std::size_t i = 0; i < s.x.size(); ++i)
      if (finite_at(s, i)) field.x.take(s.x[i]);
  std::string out = format(
      "<svg class=\"plot\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\"><title>{2}</title>"
      "<text class=\"title\" x=\"{3}\" y=\"18\">{2}</text>",
      plot.width, plot.height, escape(plot.title), kFieldLeft);
  if (field.x.empty())
    return out + format("<text class=\"tick-x\" x=\"{}\" y=\"{}\">no values</text></svg>", plot.width / 2, plot.height / 2);
  field.x.widen();
  out += axes(plot, field) + keys.svg;
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += curve(plot.series[i], field, static_cast<int>(i % kColours));
  return out + "</svg>";
}

}  // namespace beholder::report
