// The media inside a data set's archives, each looked at once, so that records which name them find them.
#pragma once

#include <functional>
#include <string>

#include "data/archive.h"
#include "data/dataset.h"

namespace beholder::data {

struct ArchiveWatch {
  // A member that is no table, as "folder/member" with folder the archive's stem; refused ones have an error.
  std::function<void(const std::string& path, const ArchiveMember& member)> member = {};
  std::function<void(const std::string& archive, const std::string& error)> broken = {};  // the rest of it was not read
};

// Reads every archive of the set once; its finder then has each medium with the hash of its bytes.
void read_archives(Dataset& set, const ArchiveWatch& watch);

}  // namespace beholder::data
