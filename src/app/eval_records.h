// The labelled records that an evaluation is about: one split of a data set, and what its readers left out.
#pragma once

#include <string>
#include <vector>

#include "app/data_flags.h"
#include "core/config.h"
#include "data/record.h"
#include "eval/protocol.h"
#include "report/eval_gallery.h"

namespace beholder::app {

struct EvalSource {
  std::string data, output_dir;  // of `data`: what is chosen may stand in brackets, too (data/data_part.h)
  DataFlags flags;               // format, split, media root, aspect
  std::int64_t limit = 0;

  void fields(FieldList& f);
  // What was chosen, for result.json: {"data","split"?,"aspect"?,"format"?,"media_root"?}.
  Json chosen() const;
  // The name where none is given: the file's or folder's, with the split and the aspect that were chosen.
  std::string name() const;
};

struct EvalRecords {
  std::vector<data::Record> records;  // pictures that came inside the rows are not kept
  bool had_bytes = false;             // there were such pictures
  std::int64_t bad = 0;               // lines that are no records
  Json left_out;                      // {"notes": {what: n}, "left_out": {file: why}, "refused": [member], "unknown_columns": [name]}
};

// kUsage where a folder holds several splits and none is chosen, where the protocol names another split, or where our own records
// are given with flags that choose in a public data set.
void check_source(const EvalSource& source, const eval::Protocol& protocol);

// `as_files`: a public data set is converted into OUTPUT_DIR/data first, once, so that a judge finds its pictures. What the readers
// left out is said in one line.
EvalRecords read_eval_records(const EvalSource& source, bool as_files);

// The pictures of `errors` (result.json's) that are no files but stand inside the rows: these are read again.
report::GalleryPictures pictures_in_rows(const EvalSource& source, const Json& errors);

}  // namespace beholder::app
