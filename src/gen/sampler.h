// From a prompt and a seed to a picture or video: integrates the flow from noise (t = 1) to t = 0 in equal steps, with classifier-free
// guidance (arXiv 2207.12598): v = v(empty prompt) + guidance (v(prompt) - v(empty prompt)).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gen/generator.h"
#include "media/image.h"

namespace beholder::gen {

struct SampleOptions {
  std::int64_t steps = 25;
  double guidance = 2.0;  // 1: none
  bool heun = true;       // second order: two evaluations a step, but for the last; else Euler's method
};

// The frames (one for a picture). A pure function of (weights, prompt, seed, options): every sample is computed by itself, so nothing
// that is made before, after or beside it can change a bit of it. kInvalidInput for a prompt that is too long; kUsage for options out
// of range.
std::vector<media::Image> sample(const Model& model, const hf::Tokenizer& tokenizer, const std::string& prompt, std::uint64_t seed,
                                 const SampleOptions& options = {});

}  // namespace beholder::gen
