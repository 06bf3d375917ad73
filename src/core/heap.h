// The process's heap, for work whose tensors of many megabytes come and go with every step. With jemalloc where it is
// installed, else with glibc's malloc; elsewhere nothing changes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace beholder {

// Freed memory stays with the process: handed back to the system, its pages would be faulted in and zeroed again at the next step.
void keep_freed_memory();

// Makes the heap half as large as the memory this process may use, in huge pages: address space, which becomes memory 2 MB at a time
// where it is used. Where it cannot be had, nothing changes.
void widen_heap();

// The most memory the process has had at one time, GiB.
double peak_memory_gb();

// Pages whose content is in a file, or is not needed soon, may leave memory; they come back when touched.
void page_out(void* data, std::size_t bytes);

}  // namespace beholder
