// A generator that is ready to be asked: its weights and its prompts' tokenizer.
#pragma once

#include <span>
#include <string>

#include "gen/network.h"
#include "hf/tokenizer.h"

namespace beholder::gen {

inline constexpr const char* kEndToken = "<|endoftext|>";

struct Generator {
  Model model;
  hf::Tokenizer tokenizer;
};

// Ids and mask of the prompts, where the model is; an empty one is the end token alone, which stands for "no prompt". kInvalidInput for a
// prompt that is too long or not UTF-8.
PromptTokens tokenize_prompts(const hf::Tokenizer& tokenizer, const Model& model, std::span<const std::string> prompts);

// The folder that `train generator` or `train mpo` wrote. kNotFound, kUnsupported, kCorrupt.
Generator load_generator(const std::string& dir, at::Device device = at::kCPU);

}  // namespace beholder::gen
