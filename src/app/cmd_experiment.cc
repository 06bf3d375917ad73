// beholder experiment: arms x seeds of a recipe, trained and measured, compared in a table and a page.
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <thread>

#include "app/command.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "eval/arm_runner.h"
#include "eval/comparison.h"
#include "report/experiment_report.h"
#include "report/metrics.h"

namespace beholder::app {
namespace {

std::string own_path() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  require_internal(n > 0, "/proc/self/exe");
  return {path, static_cast<std::size_t>(n)};
}

// One series per arm: the mean over the seeds that logged the metric at a step.
report::LinePlot curve_of(const eval::Experiment& e, const std::string& metric) {
  report::LinePlot plot{
      .title = metric, .x_label = "step", .series = {}, .share_axis = metric == "eval_accuracy", .width = 640, .height = 340};
  for (const eval::Arm& arm : e.arms) {
    std::map<double, std::pair<double, int>> points;
    for (const std::size_t r : arm.runs) {
      const std::string path = e.runs[r].dir + "/train/metrics.jsonl";
      if (!std::filesystem::exists(path)) continue;
      const report::Metrics metrics = report::read_metrics(path);
      const auto found = metrics.series.find(metric);
      for (std::size_t i = 0; found != metrics.series.end() && i < found->second.x.size(); ++i) {
        auto& [sum, n] = points[found->second.x[i]];
        sum += found->second.y[i];
        ++n;
      }
    }
    if (points.empty()) continue;
    report::Series series{.name = arm.name, .x = {}, .y = {}, .marked = true};
    for (const auto& [x, sum] : points) {
      series.x.push_back(x);
      series.y.push_back(sum.first / sum.second);
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

class ExperimentCommand : public Command {
 public:
  std::string name() const override { return "experiment"; }
  std::string summary() const override {
    return "train and measure the arms x seeds of a recipe, and compare them; resumes where it was stopped";
  }
  std::string operands() const override { return "RECIPE"; }
  std::string examples() const override {
    return "Examples:\n  beholder experiment recipes/ablation.toml --dry-run     what would be run\n"
           "  beholder experiment recipes/ablation.toml --jobs 2\n"
           "Each arm and seed is trained and measured in a process of its own. Stop with Ctrl-C and go on with the same command, as often\n"
           "as you like. OUTPUT_DIR/report.html and comparison.json are written at the end, and when it is stopped, from what is there.";
  }
  void fields(FieldList& f) override {
    f.add_range("jobs", jobs_, 1, 1024, "processes at once; 1 to the number of cores");
    f.add("dry_run", dry_run_, "list the runs and what of them is done");
  }

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 1) throw Error(Code::kUsage, "experiment", "takes one recipe", "e.g. recipes/ablation.toml");
    const eval::Experiment e = eval::read_experiment(operands[0], embedded_model_dir());
    if (dry_run_) return list(e);
    const eval::RunnerResult result = eval::run_experiment(e, {own_path(), static_cast<int>(jobs_)});
    const Json comparison = eval::compare_arms(e);
    write_file_atomic(e.output_dir + "/comparison.json", comparison.dump(1) + "\n");
    std::vector<report::LinePlot> curves;
    for (const char* metric : {"eval_accuracy", "eval_brier", "reward"})
      if (report::LinePlot curve = curve_of(e, metric); !curve.series.empty()) curves.push_back(std::move(curve));
    report::write_experiment_report(e.output_dir + "/report.html", comparison, curves);
    if (json)
      fmt::print("{}\n", json_line(comparison));
    else
      for (const std::string& split : e.splits) fmt::print("{}\n", eval::comparison_text(comparison, split));
    log_info(format("{}: {}/report.html", result.interrupted ? "stopped; the same command goes on. So far" : "report", e.output_dir));
    check_failures(e, result, operands[0]);
    return 0;
  }

 private:
  static void check_failures(const eval::Experiment& e, const eval::RunnerResult& result, const std::string& recipe) {
    std::int64_t failed = 0;
    std::string first;
    for (std::size_t r = 0; r < e.runs.size(); ++r) {
      if (result.failures[r].empty()) continue;
      if (failed++ == 0) first = format("{}: {}", e.runs[r].name(), result.failures[r]);
    }
    if (failed > 0)
      throw Error(Code::kInvalidInput, recipe, format("{} of {} runs failed, first {}", failed, e.runs.size(), first),
                  "what is done stays done; mend the recipe and run the command again");
  }

  static int list(const eval::Experiment& e) {
    for (const eval::ArmRun& run : e.runs) {
      std::size_t done = 0;
      for (const eval::Step& step : run.steps) done += std::filesystem::exists(step.done);
      fmt::print("{:<40} {:>6} updates  {} of {} commands done  {}\n", run.name(), run.max_steps, done, run.steps.size(), run.dir);
    }
    return 0;
  }

  std::int64_t jobs_ = 1;
  bool dry_run_ = false;
};

}  // namespace

CommandPtr make_experiment_command() {
  return std::make_unique<ExperimentCommand>();
}

}  // namespace beholder::app
