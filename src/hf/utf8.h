// UTF-8 without surprises: checked, decoded, composed (NFC), and repaired the way decoders of model output do it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace beholder::hf {

// The code point at text[at] and its length in bytes; length 0 when the bytes there are not UTF-8 (overlong forms,
// surrogates and values above U+10FFFF included). `damage` is then how many bytes one replacement character stands for.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;
  std::size_t damage = 0;
};
CodePoint read_code_point(std::string_view text, std::size_t at);
void append_code_point(std::string& out, char32_t value);

// kInvalidInput with the byte offset of the first byte that is not UTF-8.
void require_utf8(std::string_view text, std::string_view where);

// Every maximal broken part becomes one U+FFFD.
std::string repair_utf8(std::string_view bytes);

// Unicode normalisation form C of valid UTF-8.
std::string to_nfc(std::string_view text);

// Unicode's White_Space property.
bool is_white_space(char32_t c);

}  // namespace beholder::hf
