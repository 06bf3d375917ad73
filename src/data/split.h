// Training, validation and test parts of a file of records that share neither a prompt nor a medium.
#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"
#include "data/convert.h"

namespace beholder::data {

struct SplitOptions {
  std::string path, out;
  DatasetOptions dataset;  // for a source that must be converted first (into OUT)
  CheckOptions check;
  double validation = 0.1, test = 0.1;  // shares of the groups of prompts; the rest is for training
  std::uint64_t seed = 0;
};

// Prompts that are the same but for case and spaces, and prompts that share a medium, are one group; a group goes to one part,
// by a hash of (seed, group). Writes OUT/{train,validation,test}.jsonl and OUT/split.json, and then reads the parts again to count
// what they share: {"records", "bad", "groups", "largest_group", "parts": {name: {"path", "records"}}, "leak": {"prompts",
// "media"}}. kInvalidInput where a part that was asked for stays empty, kInternal where the parts share something.
Json split(const SplitOptions& options);

}  // namespace beholder::data
