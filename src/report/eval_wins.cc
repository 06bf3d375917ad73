#include "report/eval_wins.h"

#include "core/format.h"
#include "report/html.h"
#include "report/svg.h"
#include "report/view.h"

namespace beholder::report {
namespace {

std::string rank_wins(const Json& result) {
  if (!result.contains("win_matrix")) return "";
  HeatMap map;
  map.label = "Mean chance that the judge gives the medium of the row's rank";
  for (int r = 1; r <= result["win_matrix"].at("ranks").get<int>(); ++r) {
    map.rows.push_back(format("rank {}", r));
    map.columns.push_back(std::to_string(r));
  }
  for (const Json& c : result["win_matrix"].at("cells"))
    map.cells.push_back({c.at("row").get<int>() - 1, c.at("column").get<int>() - 1, c.at("value").get<double>(), false,
                         format("rank {} against rank {}: {} of {}", c["row"].get<int>(), c["column"].get<int>(),
                                percent(c["value"].get<double>()), c.at("n").get<std::int64_t>()),
                         ""});
  return "<h3 class=\"section\">Wins by people’s ranks</h3><div class=\"matrix\">" + heat_map(map) +
         "<div class=\"matrix-key\"><p>A cell is the mean chance, in per cent, that the judge gives the medium of the row’s rank against "
         "that of the "
         "column’s (for scores that are no probabilities: how often it is ahead). Above the diagonal a good judge is near "
         "100.</p></div></div>\n";
}

std::string models_map(const Json& wins, const char* who, const std::string& label) {
  HeatMap map;
  map.label = label;
  map.rows = wins.at("models").get<std::vector<std::string>>();
  for (std::size_t i = 0; i < map.rows.size(); ++i) map.columns.push_back(std::to_string(i + 1));
  for (const Json& c : wins.at("cells")) {
    const int row = c.at("row").get<int>() - 1, column = c.at("column").get<int>() - 1;
    const double share = c.at(who).get<double>();
    map.cells.push_back({row, column, share, false,
                         format("{} against {}: {} of {}", map.rows.at(static_cast<std::size_t>(row)),
                                map.rows.at(static_cast<std::size_t>(column)), percent(share), c.at("n").get<std::int64_t>()),
                         ""});
  }
  for (std::size_t i = 0; i < map.rows.size(); ++i) map.rows[i] = format("{} {}", i + 1, shortened(map.rows[i], 20));
  return heat_map(map);
}

// The judge's matrix beside people's: the two agree where the judge is right about the models.
std::string model_wins(const Json& result) {
  if (!result.contains("model_wins")) return "";
  const Json& wins = result["model_wins"];
  const auto left_out = wins.at("left_out").get<std::int64_t>();
  return format(
      "<h3 class=\"section\">Wins by model</h3><div class=\"matrix\">{}{}</div><p class=\"hint\">The first matrix: the mean chance, in per "
      "cent, that the judge gives the medium of the row’s model against that of the column’s. The second: the share of people. Models "
      "stand in the judge’s order.{}</p>\n",
      models_map(wins, "judge", "Mean chance that the judge gives the medium of the row's model"),
      models_map(wins, "people", "Share of people who prefer the medium of the row's model"),
      left_out > 0 ? format(" {} with fewer pairs are not shown.", count_of(left_out, "model", "models")) : "");
}

}  // namespace

std::string wins_html(const Json& result) {
  return rank_wins(result) + model_wins(result);
}

}  // namespace beholder::report
