// Byte-level BPE as Qwen's tokenizer.json defines it: NFC, Qwen's split pattern, merges, added tokens.
// Immutable after loading: one tokenizer may be used from many threads. Ids equal those of transformers, but for code
// points of Unicode 14 or newer, where the two libraries' tables differ in which marks combine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::hf {

enum class Specials {
  kParse,  // added tokens in the text become their ids, as transformers does
  kPlain,  // text stays text: "<|image_pad|>" typed by a user is eight or so ordinary tokens
};

class Tokenizer {
 public:
  // Reads tokenizer.json, else vocab.json + merges.txt (+ tokenizer_config.json's added tokens). kNotFound, kCorrupt.
  static Tokenizer load(const std::string& dir);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // kInvalidInput with the byte offset when `text` is not UTF-8.
  std::vector<std::int64_t> encode(std::string_view text, Specials specials) const;
  // Bytes that are no UTF-8 become U+FFFD. With `skip_special`, tokens marked special are left out. An id out of range is kInvalidInput.
  std::string decode(std::span<const std::int64_t> ids, bool skip_special = false) const;
  // The id of a whole added token or vocabulary entry given as text ("<|im_end|>", " red"); empty when it is not one token.
  std::optional<std::int64_t> token_id(std::string_view text) const;
  std::int64_t size() const;  // 1 + largest id
  bool is_special(std::int64_t id) const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beholder::hf
