#include "report/svg.h"

#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "report/html.h"
#include "report/page_parts.h"

namespace beholder::report {
namespace {

double clamped(double share) {
  return std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.5;
}

// A percentage for coordinates: two decimals, no exponent.
std::string at(double share) {
  return format("{:.2f}%", 100 * clamped(share));
}

std::string open(std::string_view cls, std::string_view height, std::string_view label) {
  return format("<svg class=\"{}\" width=\"100%\" height=\"{}\" role=\"img\"><title>{}</title>", cls, height, escape(label));
}

std::string rectangle(std::string_view cls, double from, double to, int y, int height, int radius) {
  return format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>", cls, at(from), y, at(to - from), height,
                radius);
}

std::string vertical(std::string_view cls, double x, int from, int to) {
  return format("<line class=\"{}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", cls, at(x), at(x), from, to);
}

}  // namespace

std::string bar(const Share& share, std::string_view label) {
  std::string out = open("bar", "18", label);
  out += rectangle("track", 0, 1, 5, 8, 4) + rectangle("fill", 0, clamped(share.value), 5, 8, 4) + vertical("half", 0.5, 2, 16);
  if (share.has_interval()) {
    const double low = clamped(share.low), high = clamped(share.high);
    out += format("<line class=\"whisker\" x1=\"{}\" x2=\"{}\" y1=\"9\" y2=\"9\"/>", at(low), at(high));
    out += vertical("whisker", low, 5, 13) + vertical("whisker", high, 5, 13);
  }
  return out + format("<circle class=\"value\" cx=\"{}\" cy=\"9\" r=\"5\"/></svg>", at(share.value));
}

std::string vote_strip(double value, const std::vector<VoteDot>& votes, std::string_view label) {
  const double p = clamped(value);
  std::string out = open("strip", "22", label);
  out += rectangle("track", 0, 1, 8, 6, 3) + rectangle(p <= 0.5 ? "fill left" : "fill right", std::min(p, 0.5), std::max(p, 0.5), 8, 6, 0);
  out += vertical("half", 0.5, 3, 19);
  for (const VoteDot& vote : votes)
    out += format("<circle class=\"{}\" cx=\"{}\" cy=\"11\" r=\"4\"/>", vote.swapped ? "vote swapped" : "vote", at(vote.at));
  return out + "</svg>";
}

std::string standalone_svg(std::string_view inner, int width, int height, std::string_view title) {
  return format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot-file\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\">\n"
      "<title>{2}</title>\n<style>{3}</style>\n<rect class=\"paper\" width=\"{0}\" height=\"{1}\" rx=\"8\"/>\n{4}\n</svg>\n",
      width, height, escape(title), kPlotCss, inner);
}

}  // namespace beholder::report
