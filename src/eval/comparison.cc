#include "eval/comparison.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/bootstrap.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "eval/arm_rows.h"
#include "eval/metric_table.h"

namespace beholder::eval {
namespace {

constexpr const char* kAccuracy = "verdict_accuracy";
constexpr const char* kBayes = "bayes_accuracy";

struct MeasuredArm {
  const Arm* arm = nullptr;
  std::vector<ArmRows> seeds;
  std::vector<std::int64_t> numbers;  // of the seeds
  int unfinished = 0;
};

MeasuredArm rows_of(const Experiment& e, const Arm& arm, const std::string& split) {
  MeasuredArm out{.arm = &arm, .seeds = {}, .numbers = {}};
  for (const std::size_t r : arm.runs) {
    if (!std::filesystem::exists(summary_path(e.runs[r], split))) {
      ++out.unfinished;
      continue;
    }
    out.seeds.push_back(read_arm_rows(rows_path(e.runs[r], split)));
    out.numbers.push_back(e.runs[r].seed);
  }
  return out;
}

// All arms of one split in one bootstrap, so that differences are paired: entry (arm, metric) of an item's row at arm * metrics + metric.
class SplitTable {
 public:
  SplitTable(const std::vector<MeasuredArm>& arms, const std::string& split) : arms_(arms) {
    const ArmRows* first = nullptr;
    for (const MeasuredArm& arm : arms)
      for (const ArmRows& seed : arm.seeds) {
        if (!first) first = &seed;
        if (seed.size() != first->size() ||
            !std::equal(seed.begin(), seed.end(), first->begin(), [](auto& a, auto& b) { return a.first == b.first; }))
          throw Error(Code::kCorrupt, split, format("\"{}\" was measured on other items than the arms before it", arm.arm->name),
                      "remove its rows and run again");
        for (const auto& [id, item] : seed)
          for (const auto& [name, part] : item.parts) metrics_.emplace(name, metrics_.size());
      }
    if (!first) return;
    for (const auto& [id, unused] : *first) {
      std::vector<Ratio> row(arms.size() * metrics_.size());
      for (std::size_t a = 0; a < arms.size(); ++a)
        for (const ArmRows& seed : arms[a].seeds)
          for (const auto& [name, part] : seed.at(id).parts) {
            Ratio& sum = row[a * metrics_.size() + metrics_.at(name)];
            sum.sum += part.sum;
            sum.n += part.n;
          }
      rows_.push_back(std::move(row));
    }
    values_ = statistics(sum_rows(rows_));
    intervals_ = bootstrap(rows_, [this](const std::vector<Ratio>& sums) { return statistics(sums); });
  }

  Json arm(std::size_t a) const {
    Json out = {{"items", rows_.size()}};
    if (arms_[a].seeds.empty()) return out;
    for (const auto& [name, m] : metrics_) {
      Json entry = {{"value", number_or_null(values_[at(a, m, 0)])}, {"interval", interval_json(intervals_[at(a, m, 0)])}};
      for (const ArmRows& seed : arms_[a].seeds) entry["by_seed"].push_back(number_or_null(mean(seed, name)));
      if (a > 0) {
        entry["difference"] = number_or_null(values_[at(a, m, 1)]);
        entry["difference_interval"] = interval_json(intervals_[at(a, m, 1)]);
      }
      if (arms_[a].arm->against > 0) {
        entry["against"] = number_or_null(values_[at(a, m, 2)]);
        entry["against_interval"] = interval_json(intervals_[at(a, m, 2)]);
      }
      out[name] = std::move(entry);
    }
    if (a > 0 && metrics_.contains(kAccuracy)) {
      const std::size_t gap = 3 * arms_.size() * metrics_.size() + a;
      out[kAccuracy]["gap_closed"] = number_or_null(values_[gap]);
      out[kAccuracy]["gap_closed_interval"] = interval_json(intervals_[gap]);
    }
    out["ece"] = calibration_error(arms_[a].seeds);
    out["by_listener"] = accuracy_by_listener(arms_[a].seeds);
    return out;
  }

 private:
  // Values, then differences to the first arm, then to the arm that each is set against, then the share of the first arm's gap to Bayes
  // that each arm closed.
  std::size_t at(std::size_t arm, std::size_t metric, std::size_t block) const {
    return (block * arms_.size() + arm) * metrics_.size() + metric;
  }
  std::vector<double> statistics(const std::vector<Ratio>& sums) const {
    const std::size_t m = metrics_.size();
    std::vector<double> out;
    for (const Ratio& r : sums) out.push_back(r.value());
    for (std::size_t i = 0; i < sums.size(); ++i) out.push_back(out[i] - out[i % m]);
    for (std::size_t i = 0; i < sums.size(); ++i) out.push_back(out[i] - out[arms_[i / m].arm->against * m + i % m]);
    const auto entry = [&](std::size_t a, const char* name) {
      const auto found = metrics_.find(name);
      return found == metrics_.end() ? std::nan("") : out[a * m + found->second];
    };
    for (std::size_t a = 0; a < arms_.size(); ++a)
      out.push_back((entry(a, kAccuracy) - entry(0, kAccuracy)) / (entry(0, kBayes) - entry(0, kAccuracy)));
    return out;
  }
  static double mean(const ArmRows& rows, const std::string& name) {
    Ratio sum;
    for (const auto& [id, item] : rows)
      if (const auto part = item.parts.find(name); part != item.parts.end()) sum.sum += part->second.sum, sum.n += part->second.n;
    return sum.value();
  }

  const std::vector<MeasuredArm>& arms_;
  std::map<std::string, std::size_t> metrics_;
  std::vector<std::vector<Ratio>> rows_;
  std::vector<double> values_;
  std::vector<std::optional<Interval>> intervals_;
};

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
    std::vector<MeasuredArm> arms;
    for (const Arm& arm : e.arms) arms.push_back(rows_of(e, arm, split));
    const SplitTable table(arms, split);
    for (std::size_t a = 0; a < arms.size(); ++a) {
      Json& entry = out["arms"][a];
      entry["splits"][split] = table.arm(a);
      entry["seeds"] = arms[a].numbers;
      entry["unfinished"] = arms[a].unfinished;
      entry["step_time"] = number_or_null(step_time(e, *arms[a].arm));
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
