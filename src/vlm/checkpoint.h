// Gradient checkpointing (Chen et al. 2016): a part of the network whose intermediate results are not kept for the backward
// pass but computed a second time there.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace beholder::vlm {

// part(x) [..] -> [..]; x is the only input through which gradients flow back to the caller. The parameters that `part` uses must
// be leaves: their gradients are added to .grad during the backward pass. `part` runs again then, so it must own or outlive
// everything it uses, and give the same values. Not for second derivatives.
at::Tensor checkpointed(const at::Tensor& x, std::function<at::Tensor(const at::Tensor&)> part);

}  // namespace beholder::vlm
