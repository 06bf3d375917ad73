// A comparison of arms as a page: what each arm gained over the first one with intervals over prompts, a table per split, and
// the learning curves.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "report/svg.h"

namespace beholder::report {

// A value with its interval in each of several rows, on a common axis; `reference` draws a dashed line (NaN: none).
struct IntervalRow {
  std::string name;
  double value = 0, low = 0, high = 0;
  std::vector<double> dots;  // smaller marks, e.g. one per seed
};
struct IntervalPlot {
  std::string title;
  std::vector<IntervalRow> rows;
  double reference = 0;
  int width = 560;       // px
  int name_width = 180;  // px, of that
};
std::string interval_plot(const IntervalPlot& plot);

// `comparison`: as eval/comparison.h makes it. `curves`: one plot per entry, e.g. of validation accuracy, a series per arm.
void write_experiment_report(const std::string& path, const Json& comparison, const std::vector<LinePlot>& curves);

}  // namespace beholder::report
