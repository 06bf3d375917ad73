// A metric of one arm, as eval/arm_table.h makes it, in tables and plots. Internal to the room.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "report/experiment_report.h"
#include "report/svg.h"

namespace beholder::report {

// NaN where it is not there.
double number_at(const Json& entry, const char* name);
double bound_at(const Json& entry, const char* name, std::size_t side);

// <td>: the value with its interval, and on lines of their own the differences, marked where the interval leaves out zero.
std::string metric_cell(const Json& entry);

// Adds an arm's row; the first one gives the dashed line.
void add_interval_row(IntervalPlot& plot, const std::string& arm, const Json& entry);
// The same of its difference to the first arm, where it has one.
void add_difference_row(IntervalPlot& plot, const std::string& arm, const Json& entry);

// The learning curves of the arms' trainings; nothing for none.
std::string curves_section(const std::vector<LinePlot>& curves);

}  // namespace beholder::report
