#include "eval/model_wins.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace beholder::eval {
namespace {

struct Wins {
  double judge = 0, people = 0, n = 0;

  void add(double by_judge, double by_people) { judge += by_judge, people += by_people, n += 1; }
};

std::vector<std::string> most_frequent(const std::map<std::string, Wins>& totals, std::size_t most) {
  std::vector<std::string> names;
  for (const auto& [name, wins] : totals) names.push_back(name);
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return totals.at(a).n > totals.at(b).n; });
  names.resize(std::min(names.size(), most));
  const auto share = [&](const std::string& name) { return totals.at(name).judge / totals.at(name).n; };
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return share(a) > share(b); });
  return names;
}

}  // namespace

ModelPair models_of(const data::Record& record) {
  constexpr const char* kKeys[][2] = {{"left_model", "right_model"}, {"model1", "model2"}, {"model_0", "model_1"}, {"A_model", "B_model"}};
  if (record.target.kind != data::Target::Kind::kPair || !record.meta.is_object()) return {};
  for (const auto& keys : kKeys) {
    const auto first = record.meta.find(keys[0]), second = record.meta.find(keys[1]);
    if (first == record.meta.end() || second == record.meta.end() || !first->is_string() || !second->is_string()) continue;
    ModelPair models{first->get<std::string>(), second->get<std::string>()};
    if (!models[0].empty() && !models[1].empty()) return models;
  }
  return {};
}

Json model_wins(const JudgedSet& set, std::size_t most) {
  std::map<std::pair<std::string, std::string>, Wins> cells;
  std::map<std::string, Wins> totals;
  for (const JudgedPair& pair : set.pairs) {
    const ModelPair& models = set.records[pair.record].models;
    if (!pair.was_read() || models[0] == models[1]) continue;
    const double margin = pair.verdict.margin, p = pair.verdict.p.value_or(margin > 0 ? 1 : margin < 0 ? 0 : 0.5);
    cells[{models[0], models[1]}].add(p, pair.q);
    cells[{models[1], models[0]}].add(1 - p, 1 - pair.q);
    totals[models[0]].add(p, pair.q);
    totals[models[1]].add(1 - p, 1 - pair.q);
  }
  if (cells.empty()) return {};
  const std::vector<std::string> names = most_frequent(totals, most);
  Json out{{"models", names}, {"cells", Json::array()}, {"left_out", totals.size() - names.size()}};
  for (std::size_t row = 0; row < names.size(); ++row)
    for (std::size_t column = 0; column < names.size(); ++column)
      if (const auto cell = cells.find({names[row], names[column]}); cell != cells.end())
        out["cells"].push_back({{"row", row + 1},
                                {"column", column + 1},
                                {"judge", cell->second.judge / cell->second.n},
                                {"people", cell->second.people / cell->second.n},
                                {"n", std::llround(cell->second.n)}});
  return out;
}

}  // namespace beholder::eval
