// beholder experiment: arms x seeds of a recipe, trained and measured, compared in a table and a page.
#include <filesystem>

#include "app/command.h"
#include "app/plan_flags.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "dist/launch.h"
#include "eval/comparison.h"
#include "report/experiment_report.h"
#include "train/grpo_config.h"
#include "train/run_dir.h"
#include "train/sft_config.h"

namespace beholder::app {
namespace {

// A folder below the working directory without the way there, so that a kept experiment goes on wherever the repository lies.
std::string as_seen_from_here(const std::string& folder) {
  const std::string relative = std::filesystem::proximate(folder).string();
  return relative.starts_with("..") ? folder : relative;
}

// What a training would refuse, told before the first one starts.
template <class Config>
void check_settings(const eval::Run& run, const std::string& where) {
  Config config;
  FieldList fields;
  config.fields(fields);
  apply_toml_text(run.settings, where, fields);
  try {
    validate(config);
  } catch (const Error& e) {
    throw Error(e.code(), format("{}: {}", where, e.where()), e.problem(), e.fix());
  }
}

void check_trainings(const eval::Experiment& experiment, const std::string& recipe) {
  for (const eval::Run& run : experiment.runs) {
    if (run.settings.empty()) continue;
    const bool sft = run.steps[0].args[1] == "sft";
    const std::string where = format("{}: arm \"{}\"", recipe, run.arm);
    sft ? check_settings<train::SftConfig>(run, where) : check_settings<train::GrpoConfig>(run, where);
  }
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
  void fields(FieldList& f) override { flags_.fields(f); }

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 1) throw Error(Code::kUsage, "experiment", "takes one recipe", "e.g. recipes/ablation.toml");
    dist::require_alone("experiment");
    const eval::Experiment e = eval::read_experiment(operands[0], as_seen_from_here(embedded_model_dir()));
    check_trainings(e, operands[0]);
    if (flags_.dry_run) {
      list_plan(e.runs, "updates");
      return 0;
    }
    const train::RunLock lock(e.output_dir);
    const eval::RunnerResult result = run_plan(e.runs, flags_, "experiment", "updates");
    const Json comparison = eval::compare_arms(e);
    write_file_atomic(e.output_dir + "/comparison.json", comparison.dump(1) + "\n");
    report::write_experiment_report(e.output_dir + "/report.html", comparison,
                                    plan_curves(e.runs, {"eval_accuracy", "eval_brier", "reward"}));
    if (json)
      fmt::print("{}\n", json_line(comparison));
    else
      for (const std::string& split : e.splits) fmt::print("{}\n", eval::comparison_text(comparison, split));
    log_info(format("{}: {}/report.html", result.interrupted ? "stopped; the same command goes on. So far" : "report", e.output_dir));
    check_failures(e.runs, result, operands[0]);
    return 0;
  }

 private:
  PlanFlags flags_;
};

}  // namespace

CommandPtr make_experiment_command() {
  return std::make_unique<ExperimentCommand>();
}

}  // namespace beholder::app
