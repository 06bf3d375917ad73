// Text formatting: fmt 12, header-only, from LibTorch's own include folder (libstdc++ 12 has no <format>).
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace beholder {
using fmt::format;
}  // namespace beholder
