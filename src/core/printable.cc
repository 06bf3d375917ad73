#include "core/printable.h"

namespace beholder {

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;  // U+0080..U+009F
    if (c1) ++i;
    const bool control = c1 || c == 0x7F || (c < 0x20 && !(c == '\n' && keep_lines));
    out += control ? '?' : text[c1 ? i - 1 : i];
  }
  return out;
}

}  // namespace beholder
