// What makes two records the same item: the words of the prompt, the content of the media.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "data/dataset.h"

namespace beholder::data {

// Of the words alone: case, spaces and punctuation at the ends do not matter.
std::uint64_t prompt_key(std::string_view prompt);
// Of the bytes; of the path where they cannot be read.
std::uint64_t media_key(const MediaRef& ref);

// 16 bytes per prompt and medium.
struct DataKeys {
  std::unordered_set<std::uint64_t> prompts, media;
};
DataKeys keys_of(const std::string& path, const DatasetOptions& options);

}  // namespace beholder::data
