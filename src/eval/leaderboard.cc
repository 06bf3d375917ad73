#include "eval/leaderboard.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "eval/protocol.h"
#include "eval/published.h"
#include "eval/result.h"

namespace beholder::eval {
namespace {

using Place = std::pair<std::string, std::string>;  // dataset, protocol

std::string text_of(const toml::table& table, const char* key, const std::string& where) {
  const auto value = table[key].value<std::string>();
  if (!value || value->empty())
    throw Error(Code::kCorrupt, where, format("a [[source]] has no text \"{}\"", key), "name dataset, protocol and source");
  return *value;
}

void add_numbers(const toml::table& source, const char* key, PublishedNumber like, const std::string& where,
                 std::vector<PublishedNumber>& out) {
  if (!source.contains(key)) return;
  const toml::table* numbers = source[key].as_table();
  if (!numbers) throw Error(Code::kCorrupt, where, format("\"{}\" is not a table of names and per cent", key), "write { \"name\" = 65.7 }");
  for (const auto& [name, node] : *numbers) {
    const auto percent = node.value<double>();
    if (!percent || !(*percent >= 0 && *percent <= 100))
      throw Error(Code::kCorrupt, where, format("the number of \"{}\" is not from 0 to 100", std::string(name.str())), "give per cent");
    like.name = std::string(name.str());
    like.value = *percent / 100;
    like.human = key == std::string_view("humans");
    out.push_back(like);
  }
}

Json published_entry(const PublishedNumber& p) {
  return {{"name", p.name}, {"value", p.value},   {"interval", nullptr},
          {"n", nullptr},   {"source", p.source}, {"kind", p.human ? "human" : "published"}};
}

Json our_entry(const Json& result, const std::string& folder) {
  return {{"name", result.at("judge")},
          {"value", result.value("value", Json())},
          {"interval", result.value("interval", Json())},
          {"n", result.value("n", Json())},
          {"source", folder},
          {"kind", "ours"}};
}

void sort_best_first(Json& entries, bool higher) {
  const auto key = [&](const Json& e) { return e.at("value").is_number() ? (higher ? -1 : 1) * e["value"].get<double>() : HUGE_VAL; };
  std::stable_sort(entries.begin(), entries.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
}

void check_one_place(const std::map<Place, Json>& tables) {
  if (tables.size() < 2) return;
  std::vector<std::string> names;
  for (const auto& [place, table] : tables) names.push_back(format("{} on {}", place.second, place.first));
  throw Error(Code::kInvalidInput, "leaderboard",
              format("these evaluations are not of one protocol and one data set: {}", fmt::join(names, "; ")),
              "give --separate for a table each");
}

}  // namespace

std::vector<PublishedNumber> parse_published(std::string_view text, const std::string& where) {
  std::vector<PublishedNumber> out;
  toml::table root;
  try {
    root = toml::parse(text, where);
  } catch (const toml::parse_error& e) {
    throw Error(Code::kCorrupt, format("{}:{}", where, e.source().begin.line), std::string(e.description()), "mend the TOML");
  }
  const toml::array* sources = root["source"].as_array();
  if (!sources) throw Error(Code::kCorrupt, where, "holds no [[source]]", "see src/eval/published.toml");
  for (const toml::node& node : *sources) {
    const toml::table* source = node.as_table();
    if (!source) throw Error(Code::kCorrupt, where, "a source is no table", "write [[source]]");
    const PublishedNumber like{
        {}, text_of(*source, "dataset", where), text_of(*source, "protocol", where), text_of(*source, "source", where)};
    add_numbers(*source, "models", like, where, out);
    add_numbers(*source, "humans", like, where, out);
  }
  return out;
}

std::vector<PublishedNumber> published_numbers(const std::string& path) {
  std::vector<PublishedNumber> out = parse_published(kPublishedToml, "published.toml");
  if (path.empty()) return out;
  for (PublishedNumber& number : parse_published(read_file(path), path)) out.push_back(std::move(number));
  return out;
}

Json leaderboard(const std::vector<std::string>& folders, const std::vector<PublishedNumber>& published, bool separate) {
  std::map<Place, Json> tables, apart;
  std::set<std::string> datasets;
  for (const std::string& folder : folders) {
    const Json result = read_result(folder);
    const Place place{result.at("dataset").get<std::string>(), result.at("protocol").get<std::string>()};
    datasets.insert(place.first);
    tables.emplace(place, Json::array()).first->second.push_back(our_entry(result, folder));
  }
  if (!separate) check_one_place(tables);
  for (const PublishedNumber& p : published) {
    const auto ours = tables.find({p.dataset, p.protocol});
    if (ours != tables.end())
      ours->second.push_back(published_entry(p));
    else if (datasets.contains(p.dataset))
      apart.emplace(Place{p.dataset, p.protocol}, Json::array()).first->second.push_back(published_entry(p));
  }
  Json out{{"tables", Json::array()}, {"other_protocols", Json::array()}};
  for (auto& [place, entries] : tables) {
    const Protocol& protocol = find_protocol(place.second);
    sort_best_first(entries, protocol.higher_is_better);
    out["tables"].push_back({{"dataset", place.first},
                             {"protocol", place.second},
                             {"rule", protocol.rule},
                             {"higher_is_better", protocol.higher_is_better},
                             {"entries", entries}});
  }
  for (auto& [place, entries] : apart) {
    sort_best_first(entries, true);
    out["other_protocols"].push_back({{"dataset", place.first}, {"protocol", place.second}, {"entries", entries}});
  }
  return out;
}

std::string leaderboard_text(const Json& board) {
  const auto lines = [](const Json& table) {
    std::string out;
    for (const Json& e : table.at("entries"))
      out += format("  {} {:<36} {:<24} {}\n", e.at("kind") == "ours" ? "*" : " ", e.at("name").get<std::string>(), metric_text(e),
                    e.at("source").get<std::string>());
    return out;
  };
  std::string out;
  for (const Json& table : board.at("tables"))
    out += format("{} on {}\n{}\n", table.at("protocol").get<std::string>(), table.at("dataset").get<std::string>(), lines(table));
  for (const Json& table : board.at("other_protocols"))
    out += format("not comparable: {}, protocol {}\n{}\n", table.at("dataset").get<std::string>(), table.at("protocol").get<std::string>(),
                  lines(table));
  return out;
}

}  // namespace beholder::eval
