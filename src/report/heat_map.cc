#include <algorithm>
#include <cmath>

#include "core/format.h"
#include "report/html.h"
#include "report/svg.h"

namespace beholder::report {
namespace {

// Cell sizes: large enough for a number in small maps, small enough for a page in large ones.
struct Geometry {
  int cell, left, top, columns, rows;
  bool numbers;

  explicit Geometry(const HeatMap& map) : columns(static_cast<int>(map.columns.size())), rows(static_cast<int>(map.rows.size())) {
    cell = columns <= 6 ? 52 : columns <= 12 ? 40 : columns <= 24 ? 24 : 12;
    numbers = cell >= 40;
    std::size_t longest = 1;
    for (const std::string& name : map.rows) longest = std::max(longest, name.size());
    left = 12 + 7 * static_cast<int>(std::min<std::size_t>(longest, 24));
    top = 22;
  }
  int width() const { return left + columns * cell + 2; }
  int height() const { return top + rows * cell + 2; }
};

std::string cell_svg(const Geometry& g, const HeatCell& cell, bool around_half) {
  const double p = std::isfinite(cell.value) ? std::clamp(cell.value, 0.0, 1.0) : 0.5;
  const int x = g.left + cell.column * g.cell, y = g.top + cell.row * g.cell;
  const double strength = around_half ? std::abs(p - 0.5) * 2 : p;
  const char* side = !around_half || p >= 0.5 ? "win" : "lose";
  std::string out;
  if (!cell.link.empty()) out += format("<a href=\"{}\">", escape(cell.link));
  out += format("<g><title>{}</title><rect class=\"cell {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill-opacity=\"{:.2f}\"/>",
                escape(cell.title), side, x, y, g.cell - 1, g.cell - 1, 0.06 + 0.84 * strength);
  if (g.numbers) {
    const double number = p == 0 || p == 1 ? 100 * p : std::clamp(100 * p, 1.0, 99.0);  // as percent(): not certain unless it is
    out += format("<text class=\"in-cell{}\" x=\"{}\" y=\"{}\">{:.0f}</text>", strength > 0.74 ? " strong" : "", x + g.cell / 2,
                  y + g.cell / 2 + 4, number);
  }
  if (cell.flagged) out += format("<circle class=\"flag\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", x + g.cell - 6, y + 5, g.cell >= 24 ? 3 : 2);
  return out + (cell.link.empty() ? "</g>" : "</g></a>");
}

}  // namespace

std::string heat_map(const HeatMap& map) {
  const Geometry g(map);
  std::string out = format("<svg class=\"heat\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\"><title>{2}</title>",
                           g.width(), g.height(), escape(map.label));
  const int step = g.cell >= 24 ? 1 : 4;  // names of tiny cells would overlap
  for (int r = 0; r < g.rows; r += step)
    out += format("<text class=\"row\" x=\"{}\" y=\"{}\">{}</text>", g.left - 6, g.top + r * g.cell + g.cell / 2 + 4,
                  escape(map.rows[static_cast<std::size_t>(r)]));
  for (int c = 0; c < g.columns; c += step)
    out += format("<text class=\"column\" x=\"{}\" y=\"{}\">{}</text>", g.left + c * g.cell + g.cell / 2, g.top - 7,
                  escape(map.columns[static_cast<std::size_t>(c)]));
  out += format("<rect class=\"field\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", g.left - 1, g.top - 1, g.columns * g.cell + 1,
                g.rows * g.cell + 1);
  for (const HeatCell& cell : map.cells)
    if (cell.row >= 0 && cell.row < g.rows && cell.column >= 0 && cell.column < g.columns) out += cell_svg(g, cell, map.around_half);
  return out + "</svg>";
}

}  // namespace beholder::report
