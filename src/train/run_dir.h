// The folder of a training run: one process at a time may own it, and before step one it says what is being run.
#pragma once

#include <string>
#include <string_view>

#include "core/json.h"

namespace beholder::train {

// Holds <dir>/.lock (flock) until it goes out of scope or the process dies, however it dies. Makes the folder.
// kUsage when another process holds it.
class RunLock {
 public:
  explicit RunLock(const std::string& dir);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_ = -1;
};

// {"command", "config", "seed", "versions": {program, git revision, libtorch, compiler}, "machine": {cpu, threads}}
Json run_record(std::string_view command, const Json& resolved_config, std::int64_t seed);

// The revision of the source tree this program was built in, with "-dirty" when files differ from it; "unknown" where there
// is no repository (any more) or no git.
std::string git_revision();

}  // namespace beholder::train
