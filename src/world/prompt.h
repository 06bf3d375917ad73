// From a text to the prompt of the embedded world that it is.
#pragma once

#include <optional>
#include <string_view>

#include "world/scene.h"

namespace beholder::world {

// The prompt whose text() this is, whatever the case of its letters and the blanks around it; a full stop may end it. Nothing for a text
// that no prompt of the world has: other words, two things of one shape, more than kMostCount.
std::optional<Prompt> parse_prompt(std::string_view text);
inline constexpr int kMostCount = 4;

}  // namespace beholder::world
