// Verdicts that several programs found side by side, one file each in the folder of an evaluation: verdicts-2-of-8.jsonl.
#pragma once

#include <string>
#include <vector>

namespace beholder::app {

// Name of the file of `shard` ("2/8") in `folder`.
std::string shard_verdicts(const std::string& folder, const std::string& shard);

// Brings the verdicts of all shards that lie in the folder into verdicts.jsonl, in the order of `ids`, after which it does not matter who
// found what. Lines that are there stay; of a line that is cut, nothing is taken. Returns how many were added.
std::size_t merge_shards(const std::string& folder, const std::vector<std::string>& ids);

}  // namespace beholder::app
