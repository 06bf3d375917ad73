#include "hf/tokenizer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include "core/error.h"
#include "core/format.h"
#include "hf/bpe.h"
#include "hf/split_pattern.h"
#include "hf/tokenizer_files.h"
#include "hf/utf8.h"

namespace beholder::hf {
namespace {

// Start of the white space that ends `text`.
std::size_t blanks_at_end(std::string_view text) {
  std::size_t start = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = read_code_point(text, at);
    at += c.length;
    if (!is_white_space(c.value))
      start = text.size();
    else if (start == text.size())
      start = at - c.length;
  }
  return start;
}

// End of the white space that `text` has from `at` on.
std::size_t blanks_until(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = read_code_point(text, at);
    if (!is_white_space(c.value)) break;
    at += c.length;
  }
  return at;
}

// Finds added tokens: at every place the longest one that stands there, from left to right.
class AddedMatcher {
 public:
  void add(const AddedToken& token) {
    std::vector<AddedToken>& list = by_first_[static_cast<unsigned char>(token.content[0])];
    list.push_back(token);
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.content.size() > b.content.size(); });
  }

  // Calls `plain` with the text between tokens and `token` with each id, in order.
  void split(std::string_view text, const std::function<void(std::string_view)>& plain,
             const std::function<void(std::int64_t)>& token) const {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const AddedToken* found = match(text, at);
      if (!found) {
        ++at;
        continue;
      }
      const std::size_t begin = found->lstrip ? done + blanks_at_end(text.substr(done, at - done)) : at;
      if (begin > done) plain(text.substr(done, begin - done));
      token(found->id);
      at += found->content.size();
      if (found->rstrip) at = blanks_until(text, at);
      done = at;
    }
    if (done < text.size()) plain(text.substr(done));
  }

 private:
  const AddedToken* match(std::string_view text, std::size_t at) const {
    for (const AddedToken& token : by_first_[static_cast<unsigned char>(text[at])])
      if (text.substr(at).starts_with(token.content)) return &token;
    return nullptr;
  }
  std::array<std::vector<AddedToken>, 256> by_first_;
};

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerSpec spec, const std::string& where)
      : bpe(spec.vocabulary, spec.ignore_merges, where), pattern(spec.split_pattern, where), nfc(spec.nfc) {
    bytes = std::move(spec.vocabulary.tokens);
    special.resize(bytes.size());
    for (const AddedToken& token : spec.added) {
      const auto id = static_cast<std::size_t>(token.id);
      if (bytes[id].empty()) bytes[id] = token.content;
      special[id] = token.special;
      added_ids.emplace(token.content, token.id);
      (token.normalized && nfc ? after_nfc : before_nfc).add(token);
    }
  }

  void encode_plain(std::string_view text, std::vector<std::int64_t>& out) const {
    for (const std::string_view piece : pattern.split(text)) bpe.encode(piece, out);
  }
  std::string normalize(std::string_view text) const { return nfc ? to_nfc(text) : std::string(text); }

  Bpe bpe;
  SplitPattern pattern;
  bool nfc = true;
  std::vector<std::string> bytes;  // id -> bytes it decodes to
  std::vector<bool> special;
  std::unordered_map<std::string, std::int64_t> added_ids;
  AddedMatcher before_nfc, after_nfc;
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::string& dir) {
  return Tokenizer(std::make_unique<Impl>(read_tokenizer_spec(dir), dir));
}

std::vector<std::int64_t> Tokenizer::encode(std::string_view text, Specials specials) const {
  require_utf8(text, "text");
  std::vector<std::int64_t> out;
  if (specials == Specials::kPlain) {
    impl_->encode_plain(impl_->normalize(text), out);
    return out;
  }
  const auto token = [&](std::int64_t id) { out.push_back(id); };
  const auto plain = [&](std::string_view part) { impl_->encode_plain(part, out); };
  impl_->before_nfc.split(text, [&](std::string_view part) { impl_->after_nfc.split(impl_->normalize(part), plain, token); }, token);
  return out;
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids, bool skip_special) const {
  std::string out;
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= size())
      throw Error(Code::kInvalidInput, "decode", format("{} is no token id, the tokenizer has {} of them", id, size()),
                  "decode with the tokenizer that made these ids");
    if (skip_special && is_special(id)) continue;
    out += impl_->bytes[static_cast<std::size_t>(id)];
  }
  return repair_utf8(out);
}

std::optional<std::int64_t> Tokenizer::token_id(std::string_view text) const {
  const auto added = impl_->added_ids.find(std::string(text));
  if (added != impl_->added_ids.end()) return added->second;
  const auto id = impl_->bpe.find(text);
  return id ? std::optional<std::int64_t>(*id) : std::nullopt;
}

std::int64_t Tokenizer::size() const {
  return static_cast<std::int64_t>(impl_->bytes.size());
}

bool Tokenizer::is_special(std::int64_t id) const {
  return id >= 0 && id < size() && impl_->special[static_cast<std::size_t>(id)];
}

}  // namespace beholder::hf
