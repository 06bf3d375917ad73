// Many items, one result each: from a stream of records through batches of questions to JSON lines that a stopped run can continue.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/judge_batch.h"
#include "data/stream.h"

namespace beholder::app {

struct RecordInput {
  std::unique_ptr<data::RecordStream> stream;
  std::string name;        // in errors
  std::int64_t lines = 0;  // for the time left; 0: not known
};

// See judge_run.h. With `json` and results in a file, a summary goes to stdout. Without `json`, results that are not for a file and
// come from operands are shown as text.
void run_records(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const JudgeJob& job, RecordInput input, bool json);

// The page of --report, where it is asked for. `run_records`: how many results there are in all.
void write_report(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<Json>& results,
                  std::int64_t run_records);

}  // namespace beholder::app
