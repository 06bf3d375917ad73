// Runs commands of this program, several at a time, each in a process of its own. What is done stays done: stopped at any moment,
// the same call goes on with what is missing, a training from its last checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace beholder::eval {

// One command of a run. Its standard output, one JSON object or nothing (kept as {}), becomes the file `done`, whose presence says that
// it need not be run again.
struct Step {
  std::vector<std::string> args;  // of this program
  std::string done;
  std::string made = {};  // a file that it makes; goes when the step is to be made with other settings
  // How far it is, for the time left: pieces that are lines of a file (or the "step" that the last of them names), or files in a folder.
  std::string progress = {};
  std::int64_t pieces = 0;  // 0: it is not worth counting
  double cost = 1;          // of a piece, in the unit of the whole
};

// Commands one after the other in a folder of their own: one arm with one seed.
struct Run {
  std::string arm, dir;
  std::int64_t seed = 0;
  std::string settings = {};  // TOML, as written to dir/settings.toml; empty: none
  std::size_t fixed = 0;      // so many first steps may not change; the others are made again when they do
  std::vector<Step> steps = {};
  std::vector<std::size_t> after = {};  // runs that must be done first

  std::string name() const;  // "soft, seed 2"
};

struct RunnerOptions {
  std::string program;                                 // path of this program
  int jobs = 1;                                        // processes at once
  std::string label = "experiment", unit = "updates";  // of the progress line
};

struct RunnerResult {
  std::vector<std::string> failures;  // per run: why it could not be finished; empty: done
  bool interrupted = false;           // asked to stop; unfinished runs have no failure
};

// kUsage when a folder holds a run of other settings. Commands' messages go to <run>/log.txt. On Ctrl-C the children are asked to
// stop and waited for.
RunnerResult run_all(const std::vector<Run>& runs, const RunnerOptions& options);

}  // namespace beholder::eval
