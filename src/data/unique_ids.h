// Ids that do not repeat: the first keeps its own, later ones become "id~2", "id~3"… Sixteen bytes and a node per id.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/format.h"
#include "core/rng.h"

namespace beholder::data {

class UniqueIds {
 public:
  std::string give(const std::string& id) {
    const std::uint64_t key = stable_hash(id);
    for (std::int64_t times = ++given_[key]; times > 1; times = ++given_[key])
      if (std::string next = format("{}~{}", id, times); given_.emplace(stable_hash(next), 1).second) return next;
    return id;
  }

 private:
  std::unordered_map<std::uint64_t, std::int64_t> given_;  // hash of an id -> how often it came
};

}  // namespace beholder::data
