#include <cmath>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "eval/metric_table.h"
#include "eval/result.h"

namespace beholder::eval {
namespace {

using Rows = std::map<std::string, Ratio>;  // by prompt

Rows read_rows(const std::string& folder) {
  const std::string path = folder + "/rows.jsonl", text = read_file(path);
  Rows rows;
  int number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string where = format("{}:{}", path, ++number);
    const Json line = parse_json(std::string_view(text).substr(begin, end - begin), where);
    begin = end + 1;
    const auto value = json_need<std::vector<double>>(line, "value", where);
    if (value.size() != 2 || !rows.emplace(json_need<std::string>(line, "prompt", where), Ratio{value[0], value[1]}).second)
      throw Error(Code::kCorrupt, where, "is no row of an evaluation", "run the evaluation again");
  }
  return rows;
}

void check_same(const Json& a, const Json& b, const std::string& folder_b) {
  for (const char* key : {"protocol", "dataset"})
    if (a.at(key) != b.at(key))
      throw Error(Code::kInvalidInput, folder_b,
                  format("its {} is \"{}\", that of the other one \"{}\": these numbers cannot be compared", key,
                         b.at(key).get<std::string>(), a.at(key).get<std::string>()),
                  format("evaluate both with one {}", key));
}

// Entries 0 and 1 of a row: the prompt's part in A and in B.
std::vector<std::vector<Ratio>> paired_rows(const Rows& a, const Rows& b, const std::string& folder_b) {
  std::vector<std::vector<Ratio>> rows;
  for (const auto& [prompt, part] : a) {
    const auto other = b.find(prompt);
    if (a.size() != b.size() || other == b.end())
      throw Error(Code::kInvalidInput, folder_b, format("it was evaluated on other prompts ({} against {})", b.size(), a.size()),
                  "evaluate both on the same records");
    if (part.n != other->second.n)
      throw Error(Code::kInvalidInput, folder_b,
                  format("for the prompt \"{}\" it has n = {}, the other one {}", prompt, other->second.n, part.n),
                  "evaluate both on the same records with the same settings");
    rows.push_back({part, other->second});
  }
  return rows;
}

}  // namespace

Json read_result(const std::string& folder) {
  Json result = read_json(folder + "/result.json");
  for (const char* key : {"protocol", "dataset", "judge"}) json_need<std::string>(result, key, folder + "/result.json");
  json_need<bool>(result, "higher_is_better", folder + "/result.json");
  return result;
}

Json compare_results(const std::string& folder_a, const std::string& folder_b) {
  const Json a = read_result(folder_a), b = read_result(folder_b);
  check_same(a, b, folder_b);
  const auto rows = paired_rows(read_rows(folder_a), read_rows(folder_b), folder_b);
  const double sign = a.at("higher_is_better").get<bool>() ? 1 : -1;
  const auto difference = [](const std::vector<Ratio>& of) { return of[1].value() - of[0].value(); };
  const std::vector<Ratio> sums = sum_rows(rows);
  if (sums.empty() || sums[0].n == 0) throw Error(Code::kInvalidInput, folder_a, "nothing counts in it", "evaluate labelled records");
  double better = 0, draws = 0;
  const auto intervals = bootstrap(rows, [&](const std::vector<Ratio>& drawn) {
    const double d = difference(drawn);
    if (std::isfinite(d)) {
      better += sign * d > 0 ? 1 : d == 0 ? 0.5 : 0;
      ++draws;
    }
    return std::vector<double>{d};
  });
  return {{"protocol", a.at("protocol")},
          {"dataset", a.at("dataset")},
          {"judges", {a.at("judge"), b.at("judge")}},
          {"values", {sums[0].value(), sums[1].value()}},
          {"intervals", {a.at("interval"), b.at("interval")}},
          {"difference", difference(sums)},
          {"interval", interval_json(intervals[0])},
          {"higher_is_better", a.at("higher_is_better")},
          {"better_in", number_or_null(better / draws)},
          {"n", std::llround(sums[0].n)},
          {"prompts", rows.size()}};
}

std::string paired_text(const Json& comparison) {
  std::string out =
      format("{} on {} (n = {}, {} prompts)\n", comparison.at("protocol").get<std::string>(), comparison.at("dataset").get<std::string>(),
             comparison.at("n").get<std::int64_t>(), comparison.at("prompts").get<std::int64_t>());
  for (const std::size_t i : {0, 1})
    out += format("  {} {:<40} {}\n", i == 0 ? "A" : "B", comparison.at("judges").at(i).get<std::string>(),
                  metric_text({{"value", comparison.at("values").at(i)}, {"interval", comparison.at("intervals").at(i)}}));
  const Json& interval = comparison.at("interval");
  const double low = interval.at(0).get<double>(), high = interval.at(1).get<double>();
  return out + format("  B - A {:+.4f} [{:+.4f}, {:+.4f}]: {}; B is better in {:.1f}% of draws\n",
                      comparison.at("difference").get<double>(), low, high,
                      low > 0 || high < 0 ? "zero is outside the 95% interval" : "zero is inside the 95% interval",
                      100 * comparison.at("better_in").get<double>());
}

}  // namespace beholder::eval
