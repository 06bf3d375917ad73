// A model whose large matrices are in 8 or 4 bits.
#pragma once

#include "vlm/model.h"

namespace beholder::vlm {

// Moves the decoder's matrices from `params` to `quantised`, `bits` (8 or 4) each, and the head in 8, as it decides between tokens that
// are close to each other; a tied head leaves its embedding. Matrices whose sizes do not fit stay, the vision tower, norms and biases
// stay. One matrix at a time: memory is that of the result. kUnsupported for a model on another device than the CPU, or when nothing
// fits.
void quantise_model(Model& model, int bits);

}  // namespace beholder::vlm
