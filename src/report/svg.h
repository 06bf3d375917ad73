// Small plots as SVG text. Colours come from CSS classes (web/report/plot.css), so one picture serves light, dark and paper;
// standalone_svg() puts the style inside for files that stand alone. Labels are escaped here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beholder::report {

// A share in [0, 1], clamped, with its interval (low > high: none).
struct Share {
  double value = 0, low = 1, high = 0;
  bool has_interval() const { return low <= high; }
};

// A horizontal bar from 0 to 1, as wide as its place, with a tick at one half and the interval as a whisker.
std::string bar(const Share& share, std::string_view label);

// Between two sides, 0 = left and 1 = right: a centre line, the bar from there to `value`, and a dot per vote.
struct VoteDot {
  double at = 0.5;
  bool swapped = false;  // drawn hollow
};
std::string vote_strip(double value, const std::vector<VoteDot>& votes, std::string_view label);

// A matrix of shares: around one half (who wins), or from none to all. Rows and columns are named; cells may link to a place in the page.
struct HeatCell {
  int row = 0, column = 0;
  double value = 0.5;
  bool flagged = false;     // marked with a dot
  std::string title, link;  // shown on hovering; "#place" or empty
};
struct HeatMap {
  std::vector<std::string> rows, columns;
  std::vector<HeatCell> cells;  // those that have a value
  std::string label;
  bool around_half = true;
};
std::string heat_map(const HeatMap& map);

// Curves over a common x axis. Points that are not finite are left out, and a line has a gap there.
struct Series {
  std::string name;
  std::vector<double> x, y;  // equally many, x ascending
  bool marked = false;       // a dot at every point: few points, as of an evaluation
};
struct LinePlot {
  std::string title, x_label;
  std::vector<Series> series;     // at most 8 have their own colour
  bool share_axis = false;        // y is a share in [0, 1]: written as per cent
  bool log_axis = false;          // logarithmic where all values are positive and span more than a factor of 20
  int width = 480, height = 270;  // px
};
// A series of 100 or more unmarked points that goes up and down is drawn faint with a running mean on top (exponential, over a
// fiftieth of the points). More points than pixels are thinned to the lowest and highest of each column. No finite point at all: an empty
// frame that says so.
std::string line_plot(const LinePlot& plot);

// A file of its own: XML header, background, style.
std::string standalone_svg(std::string_view inner, int width, int height, std::string_view title);

// Tick values that people read easily (1, 2, 2.5 or 5 times a power of ten), 3 to 8 of them inside [low, high].
std::vector<double> nice_ticks(double low, double high);
std::vector<double> log_ticks(double low, double high);  // 0 < low < high: powers of ten, with 2 and 5 where these are few
std::string tick_text(double value);                     // "0.25", "20k", "3e-05"

}  // namespace beholder::report
