#include "train/card_parts.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/format.h"
#include "core/json.h"

namespace beholder::train {
namespace {

// All that was logged for a step.
std::vector<Json> read_curve(const std::string& path) {
  std::vector<Json> points;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("step")) continue;
    if (points.empty() || points.back()["step"] != json["step"])
      points.push_back(json);
    else
      points.back().update(json);
  }
  return points;
}

}  // namespace

std::string curve_table(const std::string& metrics_path, const std::vector<std::pair<std::string, std::string>>& columns) {
  constexpr std::size_t kRows = 12;
  std::vector<Json> points = read_curve(metrics_path);
  const auto validated = [](const Json& point) { return point.contains("eval_loss"); };
  if (std::any_of(points.begin(), points.end(), validated)) std::erase_if(points, std::not_fn(validated));
  if (points.empty()) return "No metrics were logged.\n";
  std::string out = "| step |", rule = "|---|";
  for (const auto& [heading, metric] : columns) {
    out += format(" {} |", heading);
    rule += "---|";
  }
  out += "\n" + rule + "\n";
  const std::size_t rows = std::min(kRows, points.size());
  for (std::size_t i = 1; i <= rows; ++i) {
    const Json& point = points[i * points.size() / rows - 1];
    out += format("| {} |", point["step"].get<std::int64_t>());
    for (const auto& [heading, metric] : columns)
      out += point.contains(metric) && point[metric].is_number() ? format(" {:.4f} |", point[metric].get<double>()) : std::string("  |");
    out += "\n";
  }
  return out;
}

std::string shown_name(const std::string& name) {
  if (!std::filesystem::exists(name)) return name;
  const auto path = std::filesystem::absolute(name).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename();
}

}  // namespace beholder::train
