// Any known data set as our own JSON lines: OUT/records.jsonl, and under OUT/media the pictures that were inside tables or
// archives, each content once. Every medium is read on the way; what cannot be used stands in OUT/left_out.jsonl with its reason.
#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"
#include "data/dataset.h"
#include "data/media_check.h"

namespace beholder::data {

struct ConvertOptions {
  std::string path, out;
  DatasetOptions dataset;
  CheckOptions check;
  bool pairs = false;      // rankings become all their pairs
  bool drop_ties = false;  // pairs that are ties are left out (and counted)
  bool shuffle = false;    // blockwise, by `seed`
  std::uint64_t seed = 0;
  std::int64_t limit = 0;        // lines read; 0: all
  bool keep_unreadable = false;  // records keep media that cannot be read: whoever reads them counts those
};

// {"records": path, "written", "pairs"?, "left_out", "media_dropped", "ties_dropped", "media_written", "media_kept",
// "unpacked", "refused", "notes", "unknown_columns", "source"}; also written as OUT/data.json, last. A ranking loses only the
// media that cannot be read, as long as two are left. kInvalidInput where no record is left.
Json convert(const ConvertOptions& options);

// The JSON lines to train on: `path` itself where it is our own file, else OUT/records.jsonl, converted unless OUT/data.json says
// that this very source has been converted before (same files, sizes, times and options).
std::string prepare_records(const ConvertOptions& options);

}  // namespace beholder::data
