// The job of judging pairs: what `compare` and `eval` ask of each item, and the record that its answers make.
#pragma once

#include "app/judge_batch.h"

namespace beholder::app {

// `options` must outlive it.
JudgeJob compare_job(const judge::JudgeOptions& options);

}  // namespace beholder::app
