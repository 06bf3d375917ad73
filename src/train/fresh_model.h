// A model folder in the Hub's layout, without weights yet: the architecture of [init] as a published config.json, a tokenizer
// trained on what the embedded judge reads and writes, and the preprocessor's and generation's settings. transformers loads it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "train/sft_config.h"

namespace beholder::train {

// Writes the files into `dir` (made where missing). A pure function of its arguments.
void write_fresh_model_dir(const std::string& dir, const InitConfig& init, std::uint64_t seed);

// The small files of a model folder that a trained copy of it needs too (tokenizer, preprocessor, generation, chat template), by
// name. config.json and the weights are not among them.
std::map<std::string, std::string> read_model_files(const std::string& dir);

}  // namespace beholder::train
