// Pieces of what a person reads at a terminal. Colour only on a terminal without NO_COLOR; ASCII where the locale is not UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace beholder::app {

struct ViewStyle {
  bool colour = false, unicode = true;
};
ViewStyle terminal_style();  // of stdout

std::size_t width_of(std::string_view text);  // code points
std::string padded(const std::string& text, std::size_t width);
// A name from outside, harmless and at most 40 wide: the end of a long path tells more than its beginning.
std::string shortened(const std::string& name, const ViewStyle& style);

// 24 wide, filled to `share` (clamped to [0, 1]).
std::string bar(double share, const ViewStyle& style);
std::string bold(const std::string& text, const ViewStyle& style);
std::string faint(const std::string& text, const ViewStyle& style);

}  // namespace beholder::app
