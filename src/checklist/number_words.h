// Python's json writes NaN and Infinity, for which JSON has no word, and a parser's own message would not say which number it was.
#pragma once

#include <string>
#include <string_view>

#include "core/json.h"

namespace beholder::checklist {

// The text with NaN, Infinity and -Infinity in quotes where they stand as values, so that it can be parsed and the place be named.
std::string quoted_number_words(std::string_view text);
// Whether a value was one of them.
bool is_number_word(const Json& value);

}  // namespace beholder::checklist
