// The regular expression that cuts text into pieces before BPE, as a tokenizer.json gives it, compiled with PCRE2's JIT.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::hf {

// The pattern of every Qwen2 tokenizer: contractions, words with one leading mark, single digits, punctuation, line ends, blanks.
extern const std::string_view kQwenSplit;

class SplitPattern {
 public:
  // kCorrupt for a pattern that does not compile; `where` names the file.
  SplitPattern(std::string_view pattern, std::string_view where);
  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;
  ~SplitPattern();

  // Pieces of valid UTF-8 in order: matches and what lies between them; together they are the text. From any thread.
  // kUnsupported when the pattern needs too much backtracking for this text.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace beholder::hf
