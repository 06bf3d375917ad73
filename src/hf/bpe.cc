#include "hf/bpe.h"

#include <limits>
#include <mutex>
#include <queue>
#include <shared_mutex>

#include "core/error.h"
#include "core/format.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

constexpr std::size_t kMaxCachedPieces = 1 << 16;
constexpr std::size_t kMaxCachedBytes = 64;  // longer pieces are rare, and not worth their memory

bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// Bytes that are not printable take the code points from U+0100 on, in order.
const std::array<char32_t, 256>& printable_alphabet() {
  static const std::array<char32_t, 256> table = [] {
    std::array<char32_t, 256> t{};
    char32_t next = 256;
    for (int b = 0; b < 256; ++b) t[static_cast<std::size_t>(b)] = stands_for_itself(b) ? static_cast<char32_t>(b) : next++;
    return t;
  }();
  return table;
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

struct Symbol {
  std::int32_t id, previous, next;
};

// A possible merge of the symbol at `at` with its successor. The queue gives the lowest rank, then the leftmost.
struct Candidate {
  std::int32_t rank, at, left, right;
  bool operator<(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
};

}  // namespace

std::string bytes_to_printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_code_point(out, printable_alphabet()[static_cast<unsigned char>(c)]);
  return out;
}

std::optional<std::string> printable_to_bytes(std::string_view text) {
  static const std::unordered_map<char32_t, char> reverse = [] {
    std::unordered_map<char32_t, char> map;
    for (std::size_t b = 0; b < 256; ++b) map[printable_alphabet()[b]] = static_cast<char>(b);
    return map;
  }();
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = read_code_point(text, at);
    const auto found = c.length > 0 ? reverse.find(c.value) : reverse.end();
    if (found == reverse.end()) return std::nullopt;
    out.push_back(found->second);
    at += c.length;
  }
  return out;
}

struct Bpe::Cache {
  std::shared_mutex mutex;
  std::unordered_map<std::string, std::vector<std::int32_t>> pieces;
};

Bpe::Bpe(const Vocabulary& vocabulary, bool whole_first, std::string_view where)
    : whole_first_(whole_first), cache_(std::make_unique<Cache>()) {
  ids_.reserve(vocabulary.tokens.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (!vocabulary.tokens[id].empty()) ids_.emplace(vocabulary.tokens[id], static_cast<std::int32_t>(id));
  for (int b = 0; b < 256; ++b) {
    const auto id = find(std::string(1, static_cast<char>(b)));
    if (!id)
      throw Error(Code::kCorrupt, where, format("the vocabulary has no token for the byte 0x{:02X}", b),
                  "copy tokenizer.json and vocab.json again from where the model was published");
    byte_ids_[static_cast<std::size_t>(b)] = *id;
  }
  rules_.reserve(vocabulary.merges.size());
  for (std::size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const auto [left, right] = vocabulary.merges[rank];
    const auto result = find(vocabulary.tokens.at(static_cast<std::size_t>(left)) + vocabulary.tokens.at(static_cast<std::size_t>(right)));
    if (!result) throw Error(Code::kCorrupt, where, format("merge {} joins two tokens to one that the vocabulary lacks", rank));
    rules_[pair_key(left, right)] = {static_cast<std::int32_t>(rank), *result};
  }
}

Bpe::Bpe(Bpe&&) noexcept = default;
Bpe& Bpe::operator=(Bpe&&) noexcept = default;
Bpe::~Bpe() = default;

std::optional<std::int32_t> Bpe::find(std::string_view bytes) const {
  const auto it = ids_.find(std::string(bytes));
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<std::int32_t> Bpe::merge(std::string_view piece) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (const char c : piece) {
    const auto at = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({byte_ids_[static_cast<unsigned char>(c)], at - 1, at + 1});
  }
  symbols.back().next = -1;
  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::int32_t at) {
    if (at < 0 || symbols[static_cast<std::size_t>(at)].next < 0) return;
    const Symbol& left = symbols[static_cast<std::size_t>(at)];
    const std::int32_t right = symbols[static_cast<std::size_t>(left.next)].id;
    const auto rule = rules_.find(pair_key(left.id, right));
    if (rule != rules_.end()) queue.push({rule->second.rank, at, left.id, right});
  };
  for (std::size_t at = 0; at < symbols.size(); ++at) offer(static_cast<std::int32_t>(at));
  while (!queue.empty()) {
    const Candidate c = queue.top();
    queue.pop();
    Symbol& left = symbols[static_cast<std::size_t>(c.at)];
    if (left.id != c.left || left.next < 0) continue;  // an earlier merge took one of the two
    Symbol& right = symbols[static_cast<std::size_t>(left.next)];
    if (right.id != c.right) continue;
    left.id = rules_.at(pair_key(c.left, c.right)).result;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = c.at;
    right.id = -1;
    offer(left.previous);
    offer(c.at);
  }
  std::vector<std::int32_t> out;
  for (std::int32_t at = 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next)
    out.push_back(symbols[static_cast<std::size_t>(at)].id);
  return out;
}

void Bpe::encode(std::string_view piece, std::vector<std::int64_t>& out) const {
  if (piece.empty()) return;
  if (piece.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw Error(Code::kResource, "tokenizer", "one piece of text is larger than 2 GB");
  const std::string key(piece);
  if (whole_first_)
    if (const auto whole = find(key)) return out.push_back(*whole);
  const bool cached = piece.size() <= kMaxCachedBytes;
  if (cached) {
    const std::shared_lock lock(cache_->mutex);
    const auto it = cache_->pieces.find(key);
    if (it != cache_->pieces.end()) {
      out.insert(out.end(), it->second.begin(), it->second.end());
      return;
    }
  }
  std::vector<std::int32_t> ids = merge(piece);
  out.insert(out.end(), ids.begin(), ids.end());
  if (!cached) return;
  const std::unique_lock lock(cache_->mutex);
  if (cache_->pieces.size() < kMaxCachedPieces) cache_->pieces.emplace(key, std::move(ids));
}

}  // namespace beholder::hf
