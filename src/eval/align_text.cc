#include "core/format.h"
#include "eval/align_outcome.h"

namespace beholder::eval {
namespace {

// "0.123 [0.100, 0.146]"; a dash where there is none.
std::string interval_text(const Json& value, const Json& interval, const char* pattern) {
  return value.is_number() ? format(fmt::runtime(pattern), value.get<double>(), interval.at(0).get<double>(), interval.at(1).get<double>())
                           : "-";
}

std::string value_text(const Json& entry) {
  return entry.is_object() ? interval_text(entry["value"], entry["interval"], "{:.3f} [{:.3f}, {:.3f}]") : "-";
}

std::string arm_line(const Json& arm, const Json& dimensions, const std::string& judge) {
  const std::string name = arm["name"].get<std::string>();
  const Json& problems = arm["problems"];
  if (!arm["judges"].contains(judge))
    return format("{:<24} {}\n", name, problems.empty() ? "not finished" : problems[0]["problem"].get<std::string>());
  const Json& by = arm["judges"][judge];
  const bool is_base = !by.contains("worse");
  const auto reward = [&](const Json& entry) {
    if (is_base || !entry.is_object()) return value_text(entry);
    return interval_text(entry["difference"], entry["difference_interval"], "{:+.3f} [{:+.3f}, {:+.3f}]");
  };
  std::string out =
      format("{:<24} {:>5}  {:<24}  {:<21} {:>6}", name, arm["seeds"].size(), reward(by["total"]), is_base ? "" : value_text(by["win"]),
             is_base ? "" : format("{} ({})", by["worse"].get<int>(), by["surely_worse"].get<int>()));
  for (const Json& dimension : dimensions) out += format("  {:<24}", reward(by["dimensions"][dimension.get<std::string>()]["reward"]));
  return out + "\n";
}

}  // namespace

std::string align_text(const Json& outcome, const std::string& judge) {
  std::string out =
      format("{}: rewards of the base, and differences to them; {} prompts, {} samples each\n{:<24} {:>5}  {:<24}  {:<21} {:>6}", judge,
             outcome["prompts"].get<int>(), outcome["samples"].get<int>(), "", "seeds", "total", "wins", "worse");
  for (const Json& dimension : outcome["dimensions"]) out += format("  {:<24}", dimension.get<std::string>());
  out += "\n";
  for (const Json& arm : outcome["arms"]) out += arm_line(arm, outcome["dimensions"], judge);
  return out + "worse: dimensions below the base, in brackets those whose 95% interval leaves out 0\n";
}

}  // namespace beholder::eval
