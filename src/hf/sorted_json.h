// JSON with sorted keys, for files whose objects hold very many of them (a safetensors header, a vocabulary): core's
// ordered kind searches an object from its start for every key it adds.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace beholder::hf {

using SortedJson = nlohmann::json;

// kCorrupt for text that is no JSON, for nesting deeper than 64, and for an object that names a key twice.
SortedJson parse_sorted_json(std::string_view text, std::string_view where);

}  // namespace beholder::hf
