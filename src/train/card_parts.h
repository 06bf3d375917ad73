// What the cards of trained models share: the curve of a run as a table, and names without this machine's folders.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace beholder::train {

// A Markdown table of metrics.jsonl: "step" and the columns {heading, metric}. At most 12 lines, evenly spread, always with the last; of
// those with a validation where there are any.
std::string curve_table(const std::string& metrics_path, const std::vector<std::pair<std::string, std::string>>& columns);

// A card is read elsewhere: a local file is called by its name; any other name stays.
std::string shown_name(const std::string& name);

}  // namespace beholder::train
