// An alignment as a page: per judge every arm beside the base, the pairs that were there, and samples of the same prompts and seeds side
// by side.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "report/svg.h"

namespace beholder::report {

// Samples of one prompt and sampling seed, one of each arm; an empty file name leaves the place empty.
struct SampleRow {
  std::string prompt;
  std::int64_t seed = 0;
  std::vector<std::string> files;
};
struct SampleGrid {
  std::vector<std::string> arms;
  std::vector<SampleRow> rows;
};

// `outcome`: as eval/align_outcome.h makes it. `curves`: of the trainings.
void write_align_report(const std::string& path, const Json& outcome, const SampleGrid& grid, const std::vector<LinePlot>& curves);

}  // namespace beholder::report
