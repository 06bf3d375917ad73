#include "app/plan_flags.h"

#include <unistd.h>

#include <climits>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/format.h"
#include "report/metrics.h"

namespace beholder::app {
namespace {

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  require_internal(n > 0, "/proc/self/exe");
  return {path, static_cast<std::size_t>(n)};
}

// A mean per arm. Where some arms have more seeds than others only those are drawn: a dozen lines cannot be told apart.
report::LinePlot curve_of(const std::vector<eval::Run>& runs, const std::string& metric) {
  std::map<std::string, int> seeds;
  for (const eval::Run& run : runs) ++seeds[run.arm];
  int most = 0;
  for (const auto& [arm, n] : seeds) most = std::max(most, n);
  std::vector<std::string> arms;
  std::map<std::string, std::map<double, std::pair<double, int>>> points;  // by arm, by step: sum and number
  for (const eval::Run& run : runs) {
    const std::string path = run.dir + "/train/metrics.jsonl";
    if (seeds[run.arm] < most || !std::filesystem::exists(path)) continue;
    const report::Metrics metrics = report::read_metrics(path);
    const auto found = metrics.series.find(metric);
    if (found == metrics.series.end()) continue;
    if (!points.contains(run.arm)) arms.push_back(run.arm);
    for (std::size_t i = 0; i < found->second.x.size(); ++i) {
      auto& [sum, n] = points[run.arm][found->second.x[i]];
      sum += found->second.y[i];
      ++n;
    }
  }
  report::LinePlot plot{
      .title = metric, .x_label = "step", .series = {}, .share_axis = metric.ends_with("accuracy"), .width = 640, .height = 340};
  for (const std::string& arm : arms) {
    report::Series series{.name = arm, .x = {}, .y = {}, .marked = true};
    for (const auto& [x, sum] : points[arm]) {
      series.x.push_back(x);
      series.y.push_back(sum.first / sum.second);
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace

void PlanFlags::fields(FieldList& f) {
  f.add_range("jobs", jobs, 1, 1024, "processes at once; 1 to the number of cores");
  f.add("dry_run", dry_run, "list the runs and what of them is done");
}

eval::RunnerResult run_plan(const std::vector<eval::Run>& runs, const PlanFlags& flags, const std::string& label, const std::string& unit) {
  return eval::run_all(runs, {.program = own_path(), .jobs = static_cast<int>(flags.jobs), .label = label, .unit = unit});
}

void list_plan(const std::vector<eval::Run>& runs, const std::string& unit) {
  for (const eval::Run& run : runs) {
    std::size_t done = 0;
    double work = 0;
    for (const eval::Step& step : run.steps) {
      done += std::filesystem::exists(step.done);
      work += step.cost * static_cast<double>(step.pieces);
    }
    fmt::print("{:<40} {:>6.0f} {}  {} of {} commands done  {}\n", run.name(), work, unit, done, run.steps.size(), run.dir);
  }
}

void check_failures(const std::vector<eval::Run>& runs, const eval::RunnerResult& result, const std::string& recipe) {
  std::int64_t failed = 0;
  std::string first;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (result.failures[r].empty()) continue;
    if (failed++ == 0) first = format("{}: {}", runs[r].name(), result.failures[r]);
  }
  if (failed > 0)
    throw Error(Code::kInvalidInput, recipe, format("{} of {} runs failed, first {}", failed, runs.size(), first),
                "what is done stays done; mend the recipe and run the command again");
}

std::vector<report::LinePlot> plan_curves(const std::vector<eval::Run>& runs, const std::vector<std::string>& metrics) {
  std::vector<report::LinePlot> out;
  for (const std::string& metric : metrics)
    if (report::LinePlot curve = curve_of(runs, metric); !curve.series.empty()) out.push_back(std::move(curve));
  return out;
}

}  // namespace beholder::app
