// Pictures as the network takes them: float32 [C,F,S,S], a level v as v / 127.5 - 1.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "data/record.h"
#include "gen/config.h"
#include "media/image.h"

namespace beholder::gen {

// All frames of one size.
at::Tensor from_images(std::span<const media::Image> frames);
// Values beyond [-1, 1] are cut off.
std::vector<media::Image> to_images(const at::Tensor& x_CFSS);

// The medium a record names, as training wants it: a picture or frame of another size is resized; a video must have as many frames
// as the generator makes. Throws what the decoders throw, and kInvalidInput for another number of frames.
at::Tensor load_medium(const data::MediaRef& ref, const GeneratorConfig& config);

}  // namespace beholder::gen
