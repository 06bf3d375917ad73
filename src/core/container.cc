#include "core/container.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace beholder {
namespace {

// The file's first two numbers; 0 for what is not there and for "max" and -1, which say that there is no limit.
struct Numbers {
  double first = 0, second = 0;
};
Numbers numbers_of(const std::string& path) {
  std::ifstream file(path);
  std::string first, second;
  file >> first >> second;
  return {std::max(0.0, std::atof(first.c_str())), std::max(0.0, std::atof(second.c_str()))};
}

void narrow(double limit, double& least) {
  if (limit > 0 && (least == 0 || limit < least)) least = limit;
}

// Of one group: version 2 has cpu.max ("quota period") and memory.max, version 1 the others. A version 1 without a memory limit says 2^63.
void narrow(const std::string& group, Limits& limits) {
  Numbers time = numbers_of(group + "/cpu.max");
  if (time.first <= 0) time = {numbers_of(group + "/cpu.cfs_quota_us").first, numbers_of(group + "/cpu.cfs_period_us").first};
  if (time.second > 0) narrow(time.first / time.second, limits.cores);
  for (const char* name : {"/memory.max", "/memory.limit_in_bytes"}) narrow(numbers_of(group + name).first, limits.memory_bytes);
}

Limits limits_here() {
  std::ifstream file("/proc/self/cgroup");
  std::ostringstream groups;
  groups << file.rdbuf();
  return container_limits(groups.str(), "/sys/fs/cgroup");
}

}  // namespace

Limits container_limits(const std::string& groups, const std::string& root) {
  Limits limits;
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // "number:controllers:/path"; version 2 has no controllers
    const std::size_t one = line.find(':'), two = line.find(':', one + 1);
    if (one == std::string::npos || two == std::string::npos) continue;
    const std::string controllers = line.substr(one + 1, two - one - 1);
    const std::string mounted = controllers.empty() ? root : root + "/" + controllers;
    for (std::string path = line.substr(two + 1);; path.erase(path.rfind('/'))) {
      narrow(mounted + path, limits);
      if (path.find('/') == std::string::npos) break;
    }
  }
  return limits;
}

int usable_cores() {
  int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#ifdef __linux__
  if (cpu_set_t mine; ::sched_getaffinity(0, sizeof mine, &mine) == 0) cores = std::max(1, CPU_COUNT(&mine));
#endif
  const double share = limits_here().cores;
  return share > 0 ? std::clamp(static_cast<int>(std::ceil(share)), 1, cores) : cores;
}

std::int64_t usable_memory_bytes() {
  const std::int64_t machine = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  const double limit = limits_here().memory_bytes;
  return limit > 0 && limit < static_cast<double>(machine) ? static_cast<std::int64_t>(limit) : machine;
}

}  // namespace beholder
