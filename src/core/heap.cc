#include "core/heap.h"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "core/container.h"

namespace beholder {

#ifdef BEHOLDER_JEMALLOC

// Read by jemalloc when the program starts: what was freed stays with the process, and large tensors come from the same heap as small ones.
// What nobody took for half a minute, much longer than a step, is offered to the system, which takes it when it needs it. Were it never
// looked at again, free pieces would not be joined: `train mpo`, whose batches all have other sizes, grew by 0.1 GB a step.
extern "C" const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:30000,muzzy_decay_ms:-1,oversize_threshold:0";

#endif

#ifdef __GLIBC__

void keep_freed_memory() {
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_MXFAST, 0);  // or every large request first walks all small ones that were freed
}

void widen_heap() {
  static bool done = false;
  if (done) return;
  done = true;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t bytes = static_cast<std::size_t>(usable_memory_bytes()) / 2;
  ::mallopt(M_TRIM_THRESHOLD, -1);  // never shrink it
  void* const top = std::malloc(bytes);
  if (!top) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(top) + page - 1) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), bytes - page, MADV_HUGEPAGE);
  std::free(top);
}

void page_out(void* data, std::size_t bytes) {
#ifdef MADV_PAGEOUT
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)), begin = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_PAGEOUT);
#endif
}

#else

void page_out(void*, std::size_t) {}
void keep_freed_memory() {}
void widen_heap() {}

#endif

double peak_memory_gb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

}  // namespace beholder
