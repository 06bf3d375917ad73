// The loop of rank, compare and score: from operands (one item) or records (--in, or folders with prompts in them) to results.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/judge_batch.h"

namespace beholder::app {

// One item: its result goes to --out where given, and to stdout as JSON or as a table. Errors are thrown.
// Records: one result per input line, in order, to --out or stdout, flushed as they come; a record that fails is a result
// with "error", and the run goes on. kInvalidInput when every record failed; kInterrupted says how to resume. --report gets
// the first of this run's results.
void run_judge(const JudgeRunFlags& flags, const judge::JudgeOptions& options, const std::vector<std::string>& operands, bool json,
               const JudgeJob& job);

// kResource, naming the flag, where a file that is written at the end of the work cannot be: told before it starts. "" is no file.
void check_output_place(const std::string& path, std::string_view flag);

}  // namespace beholder::app
