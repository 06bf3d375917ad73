// What the commands that carry out a recipe in processes of their own share: how many at once, what is left to do, what failed, and the
// learning curves of the trainings among them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "eval/runner.h"
#include "report/svg.h"

namespace beholder::app {

struct PlanFlags {
  std::int64_t jobs = 1;
  bool dry_run = false;

  void fields(FieldList& f);
};

// Runs what is missing, by this very program. `label` and `unit`: of the progress line.
eval::RunnerResult run_plan(const std::vector<eval::Run>& runs, const PlanFlags& flags, const std::string& label, const std::string& unit);

// A line per run: how much work it is, and what of it is done.
void list_plan(const std::vector<eval::Run>& runs, const std::string& unit);

// kInvalidInput, naming `recipe` and the first failure, where a run failed.
void check_failures(const std::vector<eval::Run>& runs, const eval::RunnerResult& result, const std::string& recipe);

// Of each metric that any run's train/metrics.jsonl has, a plot with a series per arm: the mean over the runs that logged it at a step.
std::vector<report::LinePlot> plan_curves(const std::vector<eval::Run>& runs, const std::vector<std::string>& metrics);

}  // namespace beholder::app
