// A step of decoding on a GPU, recorded once and replayed: its kernels, some twenty a layer, are started as one. On the CPU a step simply
// runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace beholder::vlm {

class StepGraph {
 public:
  StepGraph();
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  // What `step` gives. It reads and writes the same tensors in every call, waits for nothing and takes nothing from the host: the second
  // call records it, and later ones replay that. The result holds until the next call.
  at::Tensor run(at::Device device, const std::function<at::Tensor()>& step);
  // The step's tensors are others from now on.
  void forget();

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;  // null where nothing is recorded
  std::int64_t calls_ = 0;
};

}  // namespace beholder::vlm
