#include "hf/bpe_train.h"

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/format.h"
#include "hf/split_pattern.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

using Pair = std::array<std::int32_t, 2>;

struct PairHash {
  std::size_t operator()(const Pair& p) const {
    return std::hash<std::uint64_t>()((static_cast<std::uint64_t>(static_cast<std::uint32_t>(p[0])) << 32) |
                                      static_cast<std::uint32_t>(p[1]));
  }
};

struct Word {
  std::vector<std::int32_t> ids;
  std::int64_t count = 0;
};

// What the queue knows of a pair; the count may be out of date. The most frequent comes first, then the smaller ids.
struct Entry {
  std::int64_t count;
  Pair pair;
  bool operator<(const Entry& other) const { return count != other.count ? count < other.count : pair > other.pair; }
};

class Trainer {
 public:
  explicit Trainer(std::span<const std::string> texts) {
    std::vector<std::pair<std::string, int>> bytes;
    for (int b = 0; b < 256; ++b) bytes.emplace_back(bytes_to_printable(std::string(1, static_cast<char>(b))), b);
    std::sort(bytes.begin(), bytes.end());  // UTF-8 sorts as its code points do
    std::array<std::int32_t, 256> id_of{};
    for (const auto& [printable, b] : bytes) id_of[static_cast<std::size_t>(b)] = add(std::string(1, static_cast<char>(b)));
    const SplitPattern pattern(kQwenSplit, "split pattern");
    std::map<std::string, std::int64_t, std::less<>> pieces;
    for (const std::string& text : texts) {
      require_utf8(text, "a text of the training set");
      const std::string composed = to_nfc(text);
      for (const std::string_view piece : pattern.split(composed)) ++pieces[std::string(piece)];
    }
    for (const auto& [piece, count] : pieces) {
      words_.push_back({{}, count});
      for (const char c : piece) words_.back().ids.push_back(id_of[static_cast<unsigned char>(c)]);
      change_counts(words_.size() - 1, +1);
    }
    offer_grown();
  }

  Vocabulary run(std::int64_t vocab_size) {
    while (static_cast<std::int64_t>(out_.tokens.size()) < vocab_size && !queue_.empty()) {
      const Entry top = queue_.top();
      queue_.pop();
      const std::int64_t now = counts_[top.pair];
      if (now <= 0) continue;
      if (now != top.count)
        queue_.push({now, top.pair});
      else
        join(top.pair);
    }
    return std::move(out_);
  }

 private:
  std::int32_t add(const std::string& bytes) {
    const auto [it, fresh] = ids_.emplace(bytes, static_cast<std::int32_t>(out_.tokens.size()));
    if (fresh) out_.tokens.push_back(bytes);
    return it->second;
  }

  // Adds a word's pairs to the counts, or takes them away.
  void change_counts(std::size_t index, int sign) {
    const Word& word = words_[index];
    for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
      const Pair pair{word.ids[i], word.ids[i + 1]};
      counts_[pair] += sign * word.count;
      if (sign < 0) continue;
      std::vector<std::size_t>& where = where_[pair];
      if (where.empty() || where.back() != index) where.push_back(index);
      grown_.push_back(pair);
    }
  }
  void offer_grown() {
    std::sort(grown_.begin(), grown_.end());
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const Pair& pair : grown_) queue_.push({counts_[pair], pair});
    grown_.clear();
  }

  void join(const Pair& pair) {
    const std::int32_t joined = add(out_.tokens[static_cast<std::size_t>(pair[0])] + out_.tokens[static_cast<std::size_t>(pair[1])]);
    out_.merges.push_back(pair);
    const std::vector<std::size_t> where = std::exchange(where_[pair], {});
    for (const std::size_t index : where) {
      change_counts(index, -1);
      join_in(words_[index].ids, pair, joined);
      change_counts(index, +1);
    }
    offer_grown();
  }
  static void join_in(std::vector<std::int32_t>& ids, const Pair& pair, std::int32_t joined) {
    std::size_t out = 0;
    for (std::size_t in = 0; in < ids.size(); ++in) {
      const bool here = in + 1 < ids.size() && ids[in] == pair[0] && ids[in + 1] == pair[1];
      ids[out++] = here ? joined : ids[in];
      in += here;
    }
    ids.resize(out);
  }

  Vocabulary out_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<Word> words_;
  std::unordered_map<Pair, std::int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::vector<std::size_t>, PairHash> where_;  // words that have or had the pair
  std::priority_queue<Entry> queue_;
  std::vector<Pair> grown_;
};

}  // namespace

Vocabulary train_bpe(std::span<const std::string> texts, std::int64_t vocab_size) {
  if (vocab_size < 256 || vocab_size > 1 << 20)
    throw Error(Code::kUsage, "vocab_size", format("{} is outside 256 to {}", vocab_size, 1 << 20),
                "256 bytes come first; add what is to be merged");
  return Trainer(texts).run(vocab_size);
}

}  // namespace beholder::hf
