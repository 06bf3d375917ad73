// beholder align: a generator aligned with pairs of a checklist, arms x seeds of a recipe, from candidates to what came of it.
#include <filesystem>
#include <optional>

#include "app/align_inputs.h"
#include "app/checklist_flags.h"
#include "app/command.h"
#include "app/plan_flags.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/progress.h"
#include "dist/launch.h"
#include "eval/align_outcome.h"
#include "report/align_report.h"
#include "train/flow_config.h"
#include "train/run_dir.h"

namespace beholder::app {
namespace {

constexpr const char* kUnit = "k passes";  // of a generator's network
constexpr std::size_t kGridRows = 16;
constexpr std::int64_t kGridSeeds = 2;  // of a prompt

eval::Training check_training(const std::string& settings, const std::string& where) {
  train::MpoConfig config;
  FieldList fields;
  config.fields(fields);
  apply_toml_text(settings, where, fields);
  config.model = config.data = config.output_dir = "the loop's";
  train::validate(config);
  return {.updates = config.max_steps, .pairs = config.batch_size()};
}

// The base's samples of the first prompts, and beside each those of every arm's first seed that has samples.
report::SampleGrid sample_grid(const eval::AlignRecipe& recipe, const eval::AlignPlan& plan) {
  report::SampleGrid grid;
  const auto add_arm = [&](const std::string& name, std::size_t run) {
    grid.arms.push_back(name);
    const auto samples =
        std::filesystem::exists(samples_path(plan.runs[run])) ? eval::read_samples(plan.runs[run]) : std::vector<eval::Sample>();
    if (run == plan.base)
      for (const eval::Sample& s : samples)
        if (grid.rows.size() < kGridRows && s.seed < kGridSeeds) grid.rows.push_back({.prompt = s.prompt, .seed = s.seed, .files = {}});
    for (report::SampleRow& row : grid.rows) {
      const auto same =
          std::find_if(samples.begin(), samples.end(), [&](const eval::Sample& s) { return s.prompt == row.prompt && s.seed == row.seed; });
      row.files.push_back(same == samples.end() ? "" : same->file);
    }
  };
  add_arm("base", plan.base);
  for (std::size_t a = 0; a < plan.arms.size(); ++a) add_arm(recipe.arms[a].name, plan.arms[a][0]);
  return grid;
}

class AlignCommand : public Command {
 public:
  std::string name() const override { return "align"; }
  std::string summary() const override {
    return "align a generator with a checklist: candidates, answers, pairs, training and what came of it; resumes where it was stopped";
  }
  std::string operands() const override { return "RECIPE"; }
  std::string examples() const override {
    return "Examples:\n  beholder align recipes/align.toml --dry-run     what would be run\n"
           "  beholder align recipes/align.toml --jobs 2\n"
           "Per seed the generator makes candidates and a checklist answers about them; every arm makes its pairs of them, trains, and "
           "makes\n"
           "samples with the same seeds as the generator as it was. Every judge answers about those. Stop with Ctrl-C and go on with the "
           "same\n"
           "command, as often as you like. OUTPUT_DIR/report.html and alignment.json are written at the end, and when it is stopped, from\n"
           "what is there. docs/methods/mpo.md";
  }
  void fields(FieldList& f) override { flags_.fields(f); }

  int run(const std::vector<std::string>& operands) override {
    if (operands.size() != 1) throw Error(Code::kUsage, "align", "takes one recipe", "e.g. recipes/align.toml");
    dist::require_alone("align");
    const eval::AlignRecipe recipe = eval::read_align_recipe(operands[0], check_training);
    ChecklistFlags reward;
    reward.questions = recipe.questions;
    reward.masks = recipe.masks;
    reward.weights = recipe.weights;
    reward.coding = recipe.coding;
    const WeightedChecklist weighted(reward);
    std::optional<train::RunLock> lock;
    if (!flags_.dry_run) lock.emplace(recipe.output_dir);
    const eval::AlignPlan plan = plan_alignment(recipe, prepare_align_inputs(recipe, weighted.list, !flags_.dry_run));
    if (flags_.dry_run) {
      list_plan(plan.runs, kUnit);
      return 0;
    }
    const eval::RunnerResult result = run_plan(plan.runs, flags_, "align", kUnit);
    show(recipe, plan, eval::align_outcome(recipe, plan, weighted.scoring(), result.failures), result.interrupted);
    check_failures(plan.runs, result, operands[0]);
    return 0;
  }

 private:
  void show(const eval::AlignRecipe& recipe, const eval::AlignPlan& plan, const Json& outcome, bool interrupted) const {
    write_file_atomic(recipe.output_dir + "/alignment.json", outcome.dump(1) + "\n");
    report::write_align_report(recipe.output_dir + "/report.html", outcome, sample_grid(recipe, plan),
                               plan_curves(plan.runs, {"accuracy", "margin", "chosen", "rejected"}));
    if (json)
      fmt::print("{}\n", json_line(outcome));
    else
      for (const eval::AnswerSource& judge : recipe.judges) fmt::print("{}\n", eval::align_text(outcome, judge.name));
    log_info(format("{}: {}/report.html", interrupted ? "stopped; the same command goes on. So far" : "report", recipe.output_dir));
  }

  PlanFlags flags_;
};

}  // namespace

CommandPtr make_align_command() {
  return std::make_unique<AlignCommand>();
}

}  // namespace beholder::app
