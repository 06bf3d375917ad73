#include "dist/nccl.h"

#include <cstdlib>
#include <stdexcept>
#include <thread>
#ifdef BEHOLDER_NCCL
#define USE_C10D_NCCL 1  // ProcessGroupNCCL.hpp is empty without
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "core/format.h"

namespace beholder::dist {

c10::intrusive_ptr<c10d::Backend> nccl_backend([[maybe_unused]] const c10::intrusive_ptr<c10d::Store>& store, [[maybe_unused]] int rank,
                                               [[maybe_unused]] int size, [[maybe_unused]] std::chrono::milliseconds timeout) {
#ifdef BEHOLDER_NCCL
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
#else
  return {};
#endif
}

void leave_faults_to_the_watch() {
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  ::setenv("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/0);
}

void await(c10d::Work& work, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!work.isCompleted()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(format("no answer within {} s", timeout.count() / 1000));
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  if (const std::exception_ptr fault = work.exception()) std::rethrow_exception(fault);
  work.synchronize();
}

}  // namespace beholder::dist
