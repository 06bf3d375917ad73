// Text formatting: fmt 12 from LibTorch's own include folder, its compiled half in core/fmt.cc (libstdc++ 12 has no <format>).
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace beholder {
using fmt::format;
}  // namespace beholder
