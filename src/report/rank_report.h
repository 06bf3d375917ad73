// One HTML file from the records of rank, compare and score: pictures in order with strengths and intervals, the thoughts with
// what decided them, every comparison in both orders, and what went wrong. It needs no network and no other file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "report/page.h"

namespace beholder::report {

struct ReportOptions {
  std::string title = "What people would prefer";
  Facts settings = {};           // shown at the foot: model, device, version, seed…
  int picture_side_px = 512;     // no picture is drawn larger; from 24 pictures on it shrinks with their number
  int max_records = 100;         // the first ones; the page says how many it leaves out
  std::int64_t run_records = 0;  // of the run, where it had more than are handed over: the page says so
};

// Written atomically. kCorrupt for a record of another shape, kResource when the file cannot be written. A picture that is not
// there (any more) is drawn as an empty place. Paths are taken relative to the working directory, as the judge took them.
void write_rank_report(const std::string& path, const std::vector<Json>& records, const ReportOptions& options = {});

}  // namespace beholder::report
