#include "report/metrics.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder::report {
namespace {

bool is_axis(const std::string& key) {
  return key == "step" || key == "time" || key == "epoch";
}

void add(Metrics& metrics, const std::string& name, double step, double value) {
  auto [it, fresh] = metrics.series.try_emplace(name);
  Series& s = it->second;
  if (fresh) {
    s.name = name;
    metrics.names.push_back(name);
  }
  while (!s.x.empty() && s.x.back() >= step) {
    s.x.pop_back();
    s.y.pop_back();
  }
  s.x.push_back(step);
  s.y.push_back(value);
}

// False when the line is no object with a step.
bool take(Metrics& metrics, std::string_view text, double& first_time) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object() || !line.contains("step") || !line["step"].is_number()) return false;
  const auto step = line["step"].get<double>();
  if (!std::isfinite(step) || std::abs(step) > 1e15) return false;
  metrics.last_step = static_cast<std::int64_t>(step);
  if (line.contains("time") && line["time"].is_number()) {
    const auto time = line["time"].get<double>();
    if (std::isnan(first_time)) first_time = time;
    metrics.seconds = time - first_time;
  }
  for (const auto& [key, value] : line.items()) {
    if (is_axis(key) || !(value.is_number() || value.is_null())) continue;
    add(metrics, key, step, value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  }
  return true;
}

}  // namespace

Metrics read_metrics(const std::string& path) {
  const std::string file = read_file(path);
  Metrics out;
  double first_time = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t end = std::min(file.find('\n', at), file.size());
    const std::string_view line = std::string_view(file).substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    ++out.lines;
    if (!take(out, line, first_time)) ++out.broken;
  }
  if (out.names.empty())
    throw Error(Code::kInvalidInput, path, format("no metrics in {} lines", out.lines), "give the metrics.jsonl of a run folder");
  return out;
}

}  // namespace beholder::report
