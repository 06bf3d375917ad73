#define PCRE2_CODE_UNIT_WIDTH 8
#include "hf/split_pattern.h"

#include <pcre2.h>

#include "core/error.h"
#include "core/format.h"
#include "hf/utf8.h"

namespace beholder::hf {

const std::string_view kQwenSplit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

constexpr std::string_view kWhiteSpace = R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

// PCRE2's \s also holds U+180E, which Unicode and the reference implementation do not count as white space: spelled out.
std::string spell_out_blanks(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i], next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (c == '\\' && next != '\0') {
      if (next == 's')
        out += in_class ? std::string(kWhiteSpace) : format("[{}]", kWhiteSpace);
      else if (next == 'S' && !in_class)
        out += format("[^{}]", kWhiteSpace);
      else
        out.append(pattern.substr(i, 2));
      ++i;
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out.push_back(c);
  }
  return out;
}

// What one thread needs to match; the JIT's stack grows as needed, to at most a megabyte.
struct Scratch {
  pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 << 10, 1 << 20, nullptr);
  Scratch() {
    if (!match || !context || !stack) throw Error(Code::kResource, "tokenizer", "out of memory for matching");
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

}  // namespace

struct SplitPattern::Compiled {
  pcre2_code* code = nullptr;
  ~Compiled() { pcre2_code_free(code); }
};

SplitPattern::SplitPattern(std::string_view pattern, std::string_view where) : compiled_(std::make_unique<Compiled>()) {
  require_utf8(pattern, where);
  const std::string text = spell_out_blanks(pattern);
  int error = 0;
  PCRE2_SIZE at = 0;
  const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error, &at, nullptr);
  if (!compiled_->code) {
    char message[256] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof message);
    throw Error(Code::kCorrupt, where, format("the split pattern does not compile: {}", message));
  }
  pcre2_jit_compile(compiled_->code, PCRE2_JIT_COMPLETE);  // where there is no JIT, matching is slower and the same
}

SplitPattern::SplitPattern(SplitPattern&&) noexcept = default;
SplitPattern& SplitPattern::operator=(SplitPattern&&) noexcept = default;
SplitPattern::~SplitPattern() = default;

std::vector<std::string_view> SplitPattern::split(std::string_view text) const {
  static thread_local Scratch scratch;
  const auto match_at = [&](std::size_t start, std::uint32_t more) {
    return pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start, PCRE2_NO_UTF_CHECK | more,
                       scratch.match, scratch.context);
  };
  std::vector<std::string_view> pieces;
  std::size_t done = 0, start = 0;
  while (start < text.size()) {
    int rc = match_at(start, 0);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) rc = match_at(start, PCRE2_NO_JIT);
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) throw Error(Code::kUnsupported, "tokenizer", format("the split pattern needs too much work for this text (PCRE2 {})", rc));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(scratch.match);
    if (range[1] <= range[0]) {  // an empty match cuts nothing
      if (range[0] >= text.size()) break;
      start = range[0] + read_code_point(text, range[0]).length;
      continue;
    }
    if (range[0] > done) pieces.push_back(text.substr(done, range[0] - done));
    pieces.push_back(text.substr(range[0], range[1] - range[0]));
    done = start = range[1];
  }
  if (done < text.size()) pieces.push_back(text.substr(done));
  return pieces;
}

}  // namespace beholder::hf
