#include "checklist/number_words.h"

#include <array>

namespace beholder::checklist {
namespace {

constexpr std::array<std::string_view, 3> kNumberWords = {"NaN", "Infinity", "-Infinity"};

}  // namespace

std::string quoted_number_words(std::string_view text) {
  if (text.find("NaN") == text.npos && text.find("Infinity") == text.npos) return std::string(text);
  std::string out;
  bool inside = false;  // a text in quotes
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inside && text[i] == '\\' && i + 1 < text.size()) {
      out.append(text.substr(i++, 2));
      continue;
    }
    if (text[i] == '"') inside = !inside;
    std::string_view word;
    for (const std::string_view known : kNumberWords)
      if (!inside && text.substr(i).starts_with(known)) word = known;
    if (word.empty())
      out += text[i];
    else
      out.append("\"").append(word).append("\""), i += word.size() - 1;
  }
  return out;
}

bool is_number_word(const Json& value) {
  if (!value.is_string()) return false;
  for (const std::string_view known : kNumberWords)
    if (value == known) return true;
  return false;
}

}  // namespace beholder::checklist
