#include "core/heap.h"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace beholder {

#ifdef BEHOLDER_JEMALLOC

// Read by jemalloc when the program starts: what was freed is kept, and large tensors come from the same heap as small ones.
extern "C" const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0";

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
  const std::size_t bytes = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * page / 2;
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
