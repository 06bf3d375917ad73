// Between the host's memory and a device's. Pages that are locked are copied by the device itself, several times as fast.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/types.h>

namespace beholder::vlm {

// Without waiting for it on a GPU: what is computed there afterwards sees it.
inline at::Tensor to_device(const at::Tensor& host, at::Device device, at::ScalarType dtype) {
  return device.is_cuda() ? host.pin_memory().to(device, /*non_blocking=*/true).to(dtype) : host.to(device, dtype);
}

// Waits until it is there.
inline at::Tensor to_host(const at::Tensor& tensor) {
  if (!tensor.is_cuda()) return tensor.to(at::kCPU);
  at::Tensor host = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true));
  return host.copy_(tensor);
}

}  // namespace beholder::vlm
