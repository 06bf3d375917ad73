// The published numbers that travel in the program (src/eval/published.toml; cmake/Embed.cmake).
#pragma once

#include <string_view>

namespace beholder::eval {
extern const std::string_view kPublishedToml;
}  // namespace beholder::eval
