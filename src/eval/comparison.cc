#include "eval/comparison.h"

#include <filesystem>
#include <fstream>

#include "core/bootstrap.h"
#include "core/format.h"
#include "eval/arm_table.h"
#include "eval/metric_table.h"

namespace beholder::eval {
namespace {

constexpr const char* kAccuracy = "verdict_accuracy";
constexpr const char* kBayes = "bayes_accuracy";

// What the seeds of an arm measured, and which of them did.
struct ArmSeeds {
  MeasuredArm measured;
  std::vector<std::int64_t> numbers;
  int unfinished = 0;
};

ArmSeeds rows_of(const Experiment& e, const Arm& arm, const std::string& split) {
  ArmSeeds out{.measured = {.name = arm.name, .seeds = {}, .against = arm.against}, .numbers = {}};
  for (const std::size_t r : arm.runs) {
    if (!std::filesystem::exists(summary_path(e.runs[r], split))) {
      ++out.unfinished;
      continue;
    }
    out.measured.seeds.push_back(read_arm_rows(rows_path(e.runs[r], split)));
    out.numbers.push_back(e.runs[r].seed);
  }
  return out;
}

// Mean seconds of an update, over what the arm's runs logged.
double step_time(const Experiment& e, const Arm& arm) {
  Ratio seconds;
  for (const std::size_t r : arm.runs) {
    std::ifstream file(e.runs[r].dir + "/train/metrics.jsonl");
    for (std::string line; std::getline(file, line);) {
      const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (json.is_object() && json.contains("step_time") && json["step_time"].is_number())
        seconds.sum += json["step_time"].get<double>(), seconds.n += 1;
    }
  }
  return seconds.value();
}

}  // namespace

Json compare_arms(const Experiment& e) {
  Json out = {{"title", e.title}, {"splits", e.splits}, {"arms", Json::array()}};
  for (const Arm& arm : e.arms)
    out["arms"].push_back({{"name", arm.name},
                           {"note", arm.note},
                           {"against", arm.against > 0 ? Json(e.arms[arm.against].name) : Json()},
                           {"splits", Json::object()}});
  for (const std::string& split : e.splits) {
    std::vector<ArmSeeds> arms;
    std::vector<MeasuredArm> measured;
    for (const Arm& arm : e.arms) measured.push_back(arms.emplace_back(rows_of(e, arm, split)).measured);
    const ArmTable table(measured, split, Gap{kAccuracy, kBayes});
    for (std::size_t a = 0; a < arms.size(); ++a) {
      Json& entry = out["arms"][a];
      Json& metrics = entry["splits"][split] = table.arm(a);
      if (!measured[a].seeds.empty()) {
        metrics["ece"] = calibration_error(measured[a].seeds);
        metrics["by_listener"] = accuracy_by_listener(measured[a].seeds);
      }
      entry["seeds"] = arms[a].numbers;
      entry["unfinished"] = arms[a].unfinished;
      entry["step_time"] = number_or_null(step_time(e, e.arms[a]));
    }
  }
  return out;
}

std::string comparison_text(const Json& comparison, const std::string& split) {
  const auto cell = [](const Json& metrics, const char* name) -> std::string {
    const Json& entry = metrics.value(name, Json::object());
    if (!entry.contains("value") || entry["value"].is_null()) return "-";
    const Json& interval = entry["interval"];
    return format("{:.3f} [{:.3f}, {:.3f}]", entry["value"].get<double>(), interval.at(0).get<double>(), interval.at(1).get<double>());
  };
  std::string out = format("{}\n{:<30} {:>5}  {:<22} {:<25} {:<11} {:<22} {:<22} {}\n", split, "", "seeds", "accuracy", "against the first",
                           "gap closed", "brier", "thought truth", "contradiction");
  for (const Json& arm : comparison["arms"]) {
    const Json& metrics = arm["splits"][split];
    std::string difference = "-", gap = "-";
    if (const Json entry = metrics.value(kAccuracy, Json::object()); entry.contains("difference") && entry["difference"].is_number()) {
      difference = format("{:+.3f} [{:+.3f}, {:+.3f}]", entry["difference"].get<double>(), entry["difference_interval"].at(0).get<double>(),
                          entry["difference_interval"].at(1).get<double>());
      if (entry["gap_closed"].is_number()) gap = format("{:.0f}%", 100 * entry["gap_closed"].get<double>());
    }
    out += format("{:<30} {:>5}  {:<22} {:<25} {:<11} {:<22} {:<22} {}\n", arm["name"].get<std::string>(), arm["seeds"].size(),
                  cell(metrics, kAccuracy), difference, gap, cell(metrics, "brier_true"), cell(metrics, "thought_truth"),
                  cell(metrics, "contradiction"));
  }
  return out;
}

}  // namespace beholder::eval
