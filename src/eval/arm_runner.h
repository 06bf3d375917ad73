// Runs an experiment's commands, several at a time, each in a process of its own. What is done stays done: stopped at any
// moment, the same call goes on with what is missing, a training from its last checkpoint.
#pragma once

#include <string>
#include <vector>

#include "eval/experiment.h"

namespace beholder::eval {

struct RunnerOptions {
  std::string program;  // path of this program
  int jobs = 1;         // processes at once
};

struct RunnerResult {
  std::vector<std::string> failures;  // per run: why it could not be finished; empty: done
  bool interrupted = false;           // asked to stop; unfinished runs have no failure
};

// kUsage when a folder holds a run of other settings. Commands' messages go to <run>/log.txt. On Ctrl-C the children are asked to
// stop and waited for.
RunnerResult run_experiment(const Experiment& experiment, const RunnerOptions& options);

}  // namespace beholder::eval
