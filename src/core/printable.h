// Text from outside (a file name, a record, a model's words) made harmless for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace beholder {

// Control characters, which may hold terminal commands, become '?'; line breaks stay when asked for.
std::string printable(std::string_view text, bool keep_lines);

}  // namespace beholder
