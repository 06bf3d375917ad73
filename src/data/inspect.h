// What a data set holds: counts, labels, ties, duplicates, media that cannot be read, and a sheet of its pictures.
#pragma once

#include <string>

#include "core/json.h"
#include "data/dataset.h"
#include "data/media_check.h"

namespace beholder::data {

struct InspectOptions {
  std::string path, against;  // `against`: another set; prompts and media that stand in both are counted
  DatasetOptions dataset;
  CheckOptions check;
  std::int64_t limit = 0;  // lines to look at; 0: all
  std::string sheet;       // PNG of pictures to write; empty: none
  std::int64_t sheet_pictures = 24;
  std::uint64_t seed = 0;  // which pictures are on the sheet
};

// {"path", "formats", "files": {file: lines}, "left_out": {file: why}, "records", "bad", "labels": {"pair", "ranking", "none"},
// "pairs", "tied_pairs", "soft_pairs", "votes", "prompts", "duplicate_records", "repeated_ids", "media": {"count", "distinct", "missing",
// "unreadable", "in_archives", "formats": {name: n}, "refused"}, "notes": {what: n}, "unknown_columns", "problems": [first 20],
// "leak": {"prompts", "media", "records"} with `against`}. Throws where nothing can be read at all.
Json inspect(const InspectOptions& options);

}  // namespace beholder::data
