// NCCL, for tensors on GPUs: there where LibTorch was built with it and its header was found (cmake/Dependencies.cmake).
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace beholder::dist {

// Null where there is no NCCL: Gloo then carries a GPU's tensors through the host.
c10::intrusive_ptr<c10d::Backend> nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                               std::chrono::milliseconds timeout);

// A lost rank is named by dist/watch.h, which ends this process; NCCL's own threads would end it without a word. While there is one thread.
void leave_faults_to_the_watch();

// Until what was begun on the GPU has ended; NCCL's own wait only makes the GPU wait. Throws what went wrong there, and after `timeout`.
void await(c10d::Work& work, std::chrono::milliseconds timeout);

}  // namespace beholder::dist
