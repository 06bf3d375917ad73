// What of the machine is this process's to use: a container may have less than the machine has.
#pragma once

#include <cstdint>
#include <string>

namespace beholder {

// Cores it may run on, and not more than its container's share of processor time (cgroups, version 1 and 2), rounded up; at least 1. More
// threads than that wait for each other: those of OpenMP spin meanwhile, which uses up the share.
int usable_cores();

// The machine's memory, or the container's limit where that is smaller.
std::int64_t usable_memory_bytes();

// The container's limits alone; 0: none.
struct Limits {
  double cores = 0, memory_bytes = 0;
};
// `groups`: the content of /proc/self/cgroup; `root`: where groups are mounted. The smallest of a group and those around it counts.
Limits container_limits(const std::string& groups, const std::string& root);

}  // namespace beholder
