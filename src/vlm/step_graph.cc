#include "vlm/step_graph.h"

#ifdef BEHOLDER_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace beholder::vlm {

#ifdef BEHOLDER_CUDA
struct StepGraph::Recording {
  at::cuda::CUDAGraph graph;
  at::Tensor result;

  explicit Recording(const std::function<at::Tensor()>& step) {
    const at::cuda::CUDAStream before = at::cuda::getCurrentCUDAStream();
    const at::cuda::CUDAStream aside = at::cuda::getStreamFromPool();  // the default stream cannot be recorded
    before.synchronize();
    const c10::cuda::CUDAStreamGuard guard(aside);
    graph.capture_begin();
    try {
      result = step();
    } catch (...) {  // a stream that is still recorded fails every later call
      try {
        graph.capture_end();
      } catch (const std::exception&) {
      }
      throw;
    }
    graph.capture_end();
  }
};
#else
struct StepGraph::Recording {};
#endif

StepGraph::StepGraph() = default;
StepGraph::~StepGraph() = default;

at::Tensor StepGraph::run([[maybe_unused]] at::Device device, const std::function<at::Tensor()>& step) {
#ifdef BEHOLDER_CUDA
  // Once as it is: libraries set themselves up at their first use, which cannot be recorded.
  if (device.is_cuda() && ++calls_ > 1) {
    const c10::cuda::CUDAGuard guard(device);  // streams are those of the present one
    if (!recording_) recording_ = std::make_unique<Recording>(step);
    recording_->graph.replay();
    return recording_->result;
  }
#endif
  return step();
}

void StepGraph::forget() {
  recording_.reset();
  calls_ = 0;
}

}  // namespace beholder::vlm
