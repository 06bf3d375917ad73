#include "world/reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace beholder::world {
namespace {

using Words = std::vector<std::string_view>;

// Splits at blanks and commas.
Words words_of(std::string_view text) {
  Words words;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" ,\t\r", i), text.size());
    if (end > i) words.push_back(text.substr(i, end - i));
    i = end + 1;
  }
  return words;
}

template <class E>
std::optional<E> find_name(std::string_view word, int count) {
  for (int i = 0; i < count; ++i)
    if (name_of(static_cast<E>(i)) == word) return static_cast<E>(i);
  return std::nullopt;
}

std::optional<Shape> read_shape(std::string_view word) {
  for (const std::string_view ending : {"", "s", "es"})
    if (word.ends_with(ending))
      if (const auto shape = find_name<Shape>(word.substr(0, word.size() - ending.size()), kShapes)) return shape;
  return std::nullopt;
}

std::optional<int> read_number(std::string_view word) {
  for (int n = 1; n <= 5; ++n)
    if (word == number_name(n)) return n;
  int n = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
  if (error == std::errc() && end == word.data() + word.size() && n >= 0) return n;
  return std::nullopt;
}

// A "not …" at `at`, which moves behind it when `read` understands what follows; otherwise it stays, and what comes next fails.
template <class T, class Read>
void read_not(const Words& words, std::size_t& at, std::optional<T>& value, Read&& read) {
  std::size_t next = at + 1;
  if (at < words.size() && words[at] == "not" && (value = read(next))) at = next;
}

// One "a red circle" at `at`, which moves behind it.
std::optional<ThingClaim> read_thing(const Words& words, std::size_t& at) {
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string_view(); };
  ThingClaim claim;
  const std::string_view article = word(at++);
  if (article == "no") {
    claim.number = 0;
  } else if (article != "a" && article != "an") {
    const std::optional<int> number = read_number(article);
    if (!number) return std::nullopt;
    claim.number = *number;
    claim.counted = true;
    read_not(words, at, claim.not_number, [&](std::size_t& i) { return read_number(word(i++)); });
  }
  const auto colour = find_name<Colour>(word(at++), kColours);
  read_not(words, at, claim.not_colour, [&](std::size_t& i) { return find_name<Colour>(word(i++), kColours); });
  const auto shape = read_shape(word(at++));
  if (!colour || !shape) return std::nullopt;
  claim.thing = {*colour, *shape};
  return claim;
}

// "left of", "above", … at `at`, which moves behind it.
std::optional<Relation> read_relation(const Words& words, std::size_t& at) {
  const std::size_t n = at + 1 < words.size() && words[at + 1] == "of" ? 2 : 1;
  if (at + n > words.size()) return std::nullopt;
  const auto relation = find_name<Relation>(n == 2 ? std::string(words[at]) + " of" : std::string(words[at]), kRelations);
  if (relation) at += n;
  return relation;
}

// "and" or a relation at `at`, which moves behind it. False: neither.
bool read_link(const Words& words, std::size_t& at, ShowsClaim& claim) {
  if (at < words.size() && words[at] == "and") return ++at, true;
  claim.relation = read_relation(words, at);
  if (claim.relation) read_not(words, at, claim.not_relation, [&](std::size_t& i) { return read_relation(words, i); });
  return claim.relation.has_value();
}

bool starts(const Words& words, std::initializer_list<std::string_view> with) {
  return words.size() >= with.size() && std::equal(with.begin(), with.end(), words.begin());
}

}  // namespace

std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> sentences;
  std::string now;
  const auto finish = [&] {
    while (!now.empty() && std::isspace(static_cast<unsigned char>(now.back()))) now.pop_back();
    if (!now.empty()) sentences.push_back(now);
    now.clear();
  };
  for (const char c : text) {
    if (c == '.' || c == '\n')
      finish();
    else if (!now.empty() || !std::isspace(static_cast<unsigned char>(c)))
      now += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  finish();
  return sentences;
}

std::optional<ShowsClaim> read_shows(std::string_view sentence) {
  const Words words = words_of(sentence);
  if (words.size() < 4 || (words[0] != "image" && words[0] != "video") || words[2] != "shows") return std::nullopt;
  const std::optional<int> number = read_number(words[1]);
  if (!number) return std::nullopt;
  ShowsClaim claim{.medium = *number - 1, .things = {}, .relation = {}, .not_relation = {}};
  std::size_t at = 3;
  do {
    const std::optional<ThingClaim> thing = read_thing(words, at);
    if (!thing) return std::nullopt;
    claim.things.push_back(*thing);
  } while (claim.things.size() < 2 && read_link(words, at, claim));
  if (at != words.size()) return std::nullopt;
  return claim;
}

std::optional<std::vector<QualityClaim>> read_quality(std::string_view sentence) {
  const Words words = words_of(sentence);
  if (!starts(words, {"it", "is"})) return std::nullopt;
  static constexpr std::array<std::array<std::string_view, 2>, 4> kWords = {
      {{"blurred", "sharp"}, {"noisy", "clean"}, {"warped", "whole"}, {"flickering", "steady"}}};
  std::vector<QualityClaim> claims;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "and") continue;
    bool known = false;
    for (std::size_t aspect = 0; aspect < kWords.size(); ++aspect)
      for (std::size_t good = 0; good < 2; ++good)
        if (words[i] == kWords[aspect][good]) {
          claims.push_back({static_cast<QualityClaim::Aspect>(aspect), good == 1});
          known = true;
        }
    if (!known) return std::nullopt;
  }
  if (claims.empty()) return std::nullopt;
  return claims;
}

std::optional<FaultsClaim> read_faults(std::string_view sentence) {
  if (!sentence.starts_with("faults:")) return std::nullopt;
  FaultsClaim claim;
  std::string_view rest = sentence.substr(7);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.front()))) name.remove_prefix(1);
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.remove_suffix(1);
    if (name == "none")
      claim.none = true;
    else if (const auto defect = find_name<Defect>(name, kDefects))
      claim.named.add(*defect);
    else
      ++claim.unknown;
  }
  if (claim.none && claim.named.size() > 0) ++claim.unknown;  // both cannot be meant
  if (!claim.none && claim.named.size() == 0 && claim.unknown == 0) return std::nullopt;
  return claim;
}

}  // namespace beholder::world
