#include "hf/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/format.h"

namespace beholder::hf {
namespace {

// What a lead byte promises: length, payload bits, and the range of the second byte (which rules out overlong forms,
// surrogates and values above U+10FFFF).
struct Lead {
  std::size_t length = 0;
  unsigned bits = 0, low = 0x80, high = 0xBF;
};

Lead lead_of(unsigned byte) {
  if (byte < 0x80) return {1, byte};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, byte & 0x1F};
  if (byte >= 0xE0 && byte <= 0xEF) return {3, byte & 0x0F, byte == 0xE0 ? 0xA0u : 0x80u, byte == 0xED ? 0x9Fu : 0xBFu};
  if (byte >= 0xF0 && byte <= 0xF4) return {4, byte & 0x07, byte == 0xF0 ? 0x90u : 0x80u, byte == 0xF4 ? 0x8Fu : 0xBFu};
  return {};
}

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// No character below U+0300 combines or decomposes under NFC, so most text is done after this look.
bool needs_composing(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
}

using Buffer = std::vector<utf8proc_int32_t>;

void append_decomposed(Buffer& out, char32_t c) {
  utf8proc_int32_t part[32];
  int boundary = 0;
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), part, 32, UTF8PROC_DECOMPOSE, &boundary);
  require_internal(n > 0 && n <= 32, "a code point did not decompose");
  out.insert(out.end(), part, part + n);
}

int combining_class(utf8proc_int32_t c) {
  return utf8proc_get_property(c)->combining_class;
}

// Canonical order. utf8proc's own sort takes quadratic time for a long run of combining marks, which anyone could send.
void order_marks(Buffer& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, text.end(), [](auto c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

}  // namespace

CodePoint read_code_point(std::string_view text, std::size_t at) {
  const Lead lead = lead_of(byte_at(text, at));
  if (lead.length == 0) return {0, 0, 1};
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (at + i >= text.size()) return {0, 0, i};
    const unsigned byte = byte_at(text, at + i);
    if (byte < (i == 1 ? lead.low : 0x80u) || byte > (i == 1 ? lead.high : 0xBFu)) return {0, 0, i};
    value = (value << 6) | (byte & 0x3F);
  }
  return {value, lead.length, 0};
}

void append_code_point(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      put(0xE0 | (c >> 12));
    } else {
      put(0xF0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3F));
    }
    put(0x80 | ((c >> 6) & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

void require_utf8(std::string_view text, std::string_view where) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = read_code_point(text, at);
    if (c.length == 0) throw Error(Code::kInvalidInput, where, format("not UTF-8 at byte {}", at), "save or send the text as UTF-8");
    at += c.length;
  }
}

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const CodePoint c = read_code_point(bytes, at);
    if (c.length > 0) out.append(bytes.substr(at, c.length));
    if (c.length == 0) append_code_point(out, 0xFFFD);
    at += c.length > 0 ? c.length : c.damage;
  }
  return out;
}

std::string to_nfc(std::string_view text) {
  if (!needs_composing(text)) return std::string(text);
  Buffer points;
  points.reserve(text.size() + 1);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = read_code_point(text, at);
    require_internal(c.length > 0, "to_nfc was given text that is not UTF-8");
    append_decomposed(points, c.value);
    at += c.length;
  }
  order_marks(points);
  const auto n = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                                          static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  require_internal(n >= 0, "utf8proc could not compose");
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < n; ++i) append_code_point(out, static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
  return out;
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace beholder::hf
