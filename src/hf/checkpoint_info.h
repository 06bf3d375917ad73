// What `beholder info` says about a checkpoint or a safetensors file, from headers alone: no tensor is read.
#pragma once

#include <string>

#include "core/json.h"

namespace beholder::hf {

// {"dir", "family", "parameters", "vision_parameters", "dtypes": {"BF16": n tensors…}, "tensors", "bytes", "shards",
//  "vocabulary", "tokenizer_size" (null without tokenizer files)}. Errors as of the readers.
Json checkpoint_info(const std::string& dir);

// {"file", "bytes", "parameters", "dtypes", "metadata", "tensors": [{"name", "dtype", "shape", "bytes"}…]} by offset.
Json safetensors_info(const std::string& file);

}  // namespace beholder::hf
