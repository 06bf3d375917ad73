#include "app/terminal.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "core/format.h"
#include "core/printable.h"
#include "core/progress.h"

namespace beholder::app {
namespace {

constexpr std::size_t kNameWidth = 40, kBarWidth = 24;

}  // namespace

ViewStyle terminal_style() {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value && *value && locale.empty()) locale = value;
  }
  std::transform(locale.begin(), locale.end(), locale.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool unicode = locale.find("utf-8") != locale.npos || locale.find("utf8") != locale.npos;
  return {use_colour(1), unicode};
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The end of a long path tells more than its beginning.
std::string shortened(const std::string& name, const ViewStyle& style) {
  std::string text = printable(name, false);
  if (width_of(text) <= kNameWidth) return text;
  const std::string dots = style.unicode ? "…" : "...";
  std::size_t left = width_of(text) - kNameWidth + width_of(dots), at = 0;
  while (left > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    --left;
  }
  return dots + text.substr(at);
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string bar(double share, const ViewStyle& style) {
  const auto full = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  std::string out;
  for (std::size_t i = 0; i < kBarWidth; ++i) out += i < full ? (style.unicode ? "█" : "#") : (style.unicode ? "░" : ".");
  return style.colour ? format("\033[36m{}\033[0m", out) : out;
}

std::string bold(const std::string& text, const ViewStyle& style) {
  return style.colour ? format("\033[1m{}\033[0m", text) : text;
}
std::string faint(const std::string& text, const ViewStyle& style) {
  return style.colour ? format("\033[2m{}\033[0m", text) : text;
}

}  // namespace beholder::app
