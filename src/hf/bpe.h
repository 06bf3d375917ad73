// Byte-level byte-pair encoding: the vocabulary and the merge loop.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beholder::hf {

// Tokens are raw bytes. An empty string is an id that only an added token has.
struct Vocabulary {
  std::vector<std::string> tokens;                  // id -> bytes
  std::vector<std::array<std::int32_t, 2>> merges;  // by rank; ids whose bytes, joined, are again a token
};

// GPT-2's printable alphabet for bytes: what vocabulary files hold instead of raw bytes.
std::string bytes_to_printable(std::string_view bytes);
// The reverse; empty when a character is not of that alphabet.
std::optional<std::string> printable_to_bytes(std::string_view text);

class Bpe {
 public:
  // kCorrupt when a byte has no token or a merge joins to none. With `whole_first`, a piece that is a token is not split.
  Bpe(const Vocabulary& vocabulary, bool whole_first, std::string_view where);
  Bpe(Bpe&&) noexcept;
  Bpe& operator=(Bpe&&) noexcept;
  ~Bpe();

  // Appends the ids of one piece. From any thread.
  void encode(std::string_view piece, std::vector<std::int64_t>& out) const;
  std::optional<std::int32_t> find(std::string_view bytes) const;

 private:
  struct Rule {
    std::int32_t rank, result;
  };
  struct Cache;
  std::vector<std::int32_t> merge(std::string_view piece) const;

  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_map<std::uint64_t, Rule> rules_;  // (left << 32 | right)
  std::array<std::int32_t, 256> byte_ids_{};
  bool whole_first_ = false;
  std::unique_ptr<Cache> cache_;
};

}  // namespace beholder::hf
