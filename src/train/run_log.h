// Where a trainer's numbers go. One call writes a line of metrics.jsonl and the TensorBoard scalars. Names are TRL's:
// "loss" becomes the tag "train/loss", "eval_loss" becomes "eval/loss", as transformers' callback does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beholder::train {

using Metrics = std::vector<std::pair<std::string, double>>;  // in the order they are written

// The seam a trainer sees. One thread.
class RunLog {
 public:
  virtual ~RunLog() = default;
  virtual void log(std::int64_t step, const Metrics& metrics) = 0;
  // What was logged survives a power cut from here on. Called before a checkpoint.
  virtual void sync() {}
};

class NullRunLog : public RunLog {
 public:
  void log(std::int64_t, const Metrics&) override {}
};

// Files in `dir`: metrics.jsonl ({"step":…, "time":…, …}; a number that is not finite is null) and one
// events.out.tfevents.* file. Each call reaches the operating system before it returns, so a killed process loses nothing.
class FileRunLog : public RunLog {
 public:
  // Goes on after `resume_step`: what an earlier process logged for later steps is cut, and so is a half-written line or
  // record. -1 starts anew (whatever is there is dropped).
  FileRunLog(const std::string& dir, std::int64_t resume_step);
  ~FileRunLog() override;
  FileRunLog(const FileRunLog&) = delete;
  FileRunLog& operator=(const FileRunLog&) = delete;

  // kResource when the disk is full.
  void log(std::int64_t step, const Metrics& metrics) override;
  void sync() override;

 private:
  std::string metrics_path_, events_path_;
  int metrics_fd_ = -1, events_fd_ = -1;
};

// "train/loss", "eval/loss".
std::string tensorboard_tag(std::string_view metric);

}  // namespace beholder::train
