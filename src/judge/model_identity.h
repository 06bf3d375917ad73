// What a checkpoint is, wherever it lies: a hash over the content of its files. Two folders of one identity judge alike.
#pragma once

#include <string>

#include "core/result_cache.h"

namespace beholder::judge {

// Over the names and contents of configuration, tokenizer and weights (*.safetensors, *.json, *.jinja, *.txt) in `dir`, and of its base
// where it is an adapter. Large files are read once: `digests` remembers the hash of a file as long as its path, size, inode and times
// stay. kNotFound without such files, kResource when one cannot be read.
std::string model_identity(const std::string& dir, ResultCache& digests);

}  // namespace beholder::judge
