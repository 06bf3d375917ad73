// Learning curves of one training run, from its metrics.jsonl: a page with every metric, or one SVG file for documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beholder::report {

// One panel per metric, loss and accuracy first; "eval_x" is drawn into the panel of "x". Under each panel stand the last and
// the best value. kNotFound, kInvalidInput (no metrics), kResource.
// `more`: HTML to stand under the curves.
void write_curve_report(const std::string& path, const std::string& metrics_path, const std::string& title, std::string_view more = {});

// Panels side by side in one file that follows the reader's light or dark scheme. `metrics` empty: the loss, and the first
// accuracy where there is one. kInvalidInput for a metric that the run did not log, naming those that it did.
void write_curve_svg(const std::string& path, const std::string& metrics_path, const std::string& title,
                     const std::vector<std::string>& metrics = {});

}  // namespace beholder::report
