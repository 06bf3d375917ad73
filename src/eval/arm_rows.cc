#include "eval/arm_rows.h"

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "eval/calibration.h"
#include "eval/metric_table.h"

namespace beholder::eval {
namespace {

constexpr int kDeciles = 10;

double calibration_error(const std::vector<const ArmRows*>& runs) {
  std::vector<Forecast> forecasts;
  for (const ArmRows* rows : runs)
    for (const auto& [id, row] : *rows)
      if (row.q && row.p) forecasts.push_back(forecast_of(*row.p, *row.q));
  return forecasts.empty() ? std::nan("") : expected_calibration_error(reliability_bins(std::move(forecasts)));
}

}  // namespace

ArmRows read_arm_rows(const std::string& path) {
  ArmRows out;
  const std::string text = read_file(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const Json json = Json::parse(std::string_view(text).substr(begin, end - begin), nullptr, /*allow_exceptions=*/false);
    begin = end + 1;
    if (!json.is_object() || !json.contains("id"))
      throw Error(Code::kCorrupt, path, "holds a line that is no item", "remove it and run again");
    ArmRow& row = out[json["id"].get<std::string>()];
    for (const auto& [name, part] : json.items())
      if (part.is_array()) row.parts[name] = {part.at(0).get<double>(), part.at(1).get<double>()};
    for (const auto& [name, value] : {std::pair{"q", &row.q}, {"p", &row.p}, {"heard", &row.heard}})
      if (json.contains(name) && json[name].is_number()) *value = json[name].get<double>();
  }
  return out;
}

Json calibration_error(const std::vector<ArmRows>& runs) {
  std::vector<const ArmRows*> all;
  Json by_seed = Json::array();
  for (const ArmRows& rows : runs) {
    all.push_back(&rows);
    by_seed.push_back(number_or_null(calibration_error(std::vector{&rows})));
  }
  return {{"value", number_or_null(calibration_error(all))}, {"by_seed", by_seed}};
}

Json accuracy_by_listener(const std::vector<ArmRows>& runs) {
  std::vector<Forecast> heard;
  for (const ArmRows& rows : runs)
    for (const auto& [id, row] : rows)
      if (row.p && row.heard && row.q && *row.q != 0.5) {
        const bool first = *row.p >= 0.5;
        heard.push_back({first ? *row.heard : 1 - *row.heard, first == (*row.q > 0.5) ? 1.0 : 0.0});
      }
  Json out = Json::array();
  if (heard.empty()) return out;
  for (const ReliabilityBin& bin : reliability_bins(std::move(heard), kDeciles))
    out.push_back({{"low", bin.low}, {"high", bin.high}, {"heard", bin.confidence}, {"accuracy", bin.accuracy}, {"n", bin.n}});
  return out;
}

}  // namespace beholder::eval
