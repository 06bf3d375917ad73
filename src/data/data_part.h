// A data set with what is to be read of it, in one text: "genai/[split=test_v1]", "videoalign.csv[aspect=TA,media_root=/videos]".
#pragma once

#include <string>

#include "data/dataset.h"

namespace beholder::data {

struct DataPart {
  std::string path;
  DatasetOptions options;
  bool chosen = false;  // something stood in brackets
};

// `options` with what stands in brackets in place of theirs: split, aspect, format, media_root. A text that is the name of a file or
// folder is a path as it stands. kUsage for another key, or one without a value.
DataPart parse_data_part(const std::string& text, const DatasetOptions& options = {});

}  // namespace beholder::data
