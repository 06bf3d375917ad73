#include "report/thought.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>

namespace beholder::report {
namespace {

constexpr std::size_t kMaxWords = 160;  // of a section that is compared: the comparison is quadratic

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The number of "Image 12" at `at` (after list marks like "- **"), or 0; `end` is set behind it.
int label_at(std::string_view text, std::size_t at, std::size_t& end) {
  while (at < text.size() && std::string_view(" *_#>-").find(text[at]) != std::string_view::npos) ++at;
  const std::string head = lower(text.substr(at, 8));
  for (const std::string_view word : {"image ", "video ", "picture ", "photo "}) {
    if (!head.starts_with(word)) continue;
    int number = 0;
    std::size_t i = at + word.size();
    for (; i < text.size() && i < at + word.size() + 3 && std::isdigit(static_cast<unsigned char>(text[i])); ++i)
      number = 10 * number + (text[i] - '0');
    if (number == 0 || (i < text.size() && is_word(text[i]))) return 0;
    end = i;
    return number;
  }
  return 0;
}

bool ends_sentence(std::string_view text, std::size_t i) {
  if (text[i] == '\n') return true;
  return (text[i] == '.' || text[i] == '!' || text[i] == '?' || text[i] == ';') && i + 1 < text.size() &&
         (text[i + 1] == ' ' || text[i + 1] == '\n');
}

struct Range {
  std::size_t begin = 0, end = 0;
};

struct Draft {
  int medium = 0;
  Range range;
  std::size_t body = 0;  // behind the label
  std::vector<Range> words;
  std::vector<std::string> folded;  // the words, lower case
  std::vector<std::pair<Range, Mark>> marks;
};

std::vector<Draft> cut_sections(std::string_view text, int media) {
  std::vector<Draft> sections{{}};
  std::size_t label_end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i != 0 && !ends_sentence(text, i - 1)) continue;
    std::size_t start = i;
    while (start < text.size() && (text[start] == ' ' || text[start] == '\n')) ++start;
    const int medium = label_at(text, start, label_end);
    if (medium < 1 || medium > media || medium == sections.back().medium) continue;
    sections.back().range.end = start;
    sections.push_back({medium, {start, 0}, label_end, {}, {}, {}});
    i = label_end - 1;
  }
  sections.back().range.end = text.size();
  if (sections.front().range.begin == sections.front().range.end && sections.size() > 1) sections.erase(sections.begin());
  return sections;
}

void find_words(std::string_view text, Draft& section) {
  for (std::size_t i = section.body; i < section.range.end;) {
    const std::size_t begin = i;
    while (i < section.range.end && is_word(text[i])) ++i;
    if (i > begin) {
      section.words.push_back({begin, i});
      section.folded.push_back(lower(text.substr(begin, i - begin)));
    } else {
      ++i;
    }
  }
}

// "none", "none visible", "no".
bool says_none(std::string_view fault) {
  const std::string first = lower(fault.substr(0, fault.find(' ')));
  return first == "none" || first == "no" || first == "nothing";
}

// Everything behind "faults:" up to the end of the sentence, name by name.
void find_faults(std::string_view text, Draft& section) {
  const std::string folded = lower(text.substr(section.range.begin, section.range.end - section.range.begin));
  constexpr std::string_view kOpening = "faults:";
  for (std::size_t at = folded.find(kOpening); at != folded.npos; at = folded.find(kOpening, at + 1)) {
    std::size_t i = section.range.begin + at + kOpening.size();
    while (i < section.range.end) {
      while (i < section.range.end && (text[i] == ' ' || text[i] == ',')) ++i;
      const std::size_t begin = i;
      while (i < section.range.end && text[i] != ',' && text[i] != '\n' && text[i] != '.' && text[i] != ';') ++i;
      if (i > begin) section.marks.push_back({{begin, i}, says_none(text.substr(begin, i - begin)) ? Mark::kNoFault : Mark::kFault});
      if (i >= section.range.end || text[i] != ',') break;
    }
  }
}

// Which words of `a` have a partner in `b`: a longest common subsequence.
std::vector<bool> matched(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const std::size_t n = a.size(), m = b.size();
  std::vector<std::uint16_t> longest((n + 1) * (m + 1), 0);
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint16_t& { return longest[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;)
      at(i, j) = a[i] == b[j] ? static_cast<std::uint16_t>(at(i + 1, j + 1) + 1) : std::max(at(i + 1, j), at(i, j + 1));
  std::vector<bool> out(n, false);
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    if (a[i] == b[j]) {
      out[i++] = true;
      ++j;
    } else {
      at(i + 1, j) >= at(i, j + 1) ? ++i : ++j;
    }
  }
  return out;
}

bool is_small_word(std::string_view word) {
  constexpr std::array<std::string_view, 16> kSmall{"a",  "an", "and", "the", "is",   "are", "it",   "its",
                                                    "of", "in", "on",  "to",  "with", "but", "this", "that"};
  return std::find(kSmall.begin(), kSmall.end(), word) != kSmall.end();
}

bool comparable(const std::vector<Draft>& sections, int media) {
  std::vector<int> seen(static_cast<std::size_t>(media) + 1, 0);
  for (const Draft& section : sections) {
    if (++seen[static_cast<std::size_t>(section.medium)] > 1 && section.medium != 0) return false;
    if (section.words.size() > kMaxWords) return false;
  }
  return media > 1 && std::count(seen.begin() + 1, seen.end(), 1) == media;
}

// Runs of marked words become one mark, blanks and commas between them included; runs of small words alone are dropped.
void mark_runs(Draft& section, const std::vector<bool>& different) {
  for (std::size_t i = 0; i < different.size(); ++i) {
    if (!different[i]) continue;
    std::size_t end = i;
    bool telling = false;
    for (; end < different.size() && different[end]; ++end) {
      if (end > i && section.words[end].begin != section.words[end - 1].end + 1) break;  // more than a blank between them
      telling = telling || !is_small_word(section.folded[end]);
    }
    const Range range{section.words[i].begin, section.words[end - 1].end};
    const bool in_fault = std::any_of(section.marks.begin(), section.marks.end(), [&](const auto& mark) {
      return mark.second != Mark::kDifferent && range.begin < mark.first.end && mark.first.begin < range.end;
    });
    if (telling && !in_fault) section.marks.push_back({range, Mark::kDifferent});
    i = end - 1;
  }
}

void find_differences(std::vector<Draft>& sections, int media) {
  std::vector<std::pair<Draft*, std::vector<bool>>> found;
  for (Draft& section : sections) {
    if (section.medium == 0 || section.words.empty()) continue;
    std::vector<int> missing(section.words.size(), 0);
    std::size_t most = 0;
    for (const Draft& other : sections) {
      if (other.medium == 0 || &other == &section) continue;
      const std::vector<bool> common = matched(section.folded, other.folded);
      most = std::max<std::size_t>(most, static_cast<std::size_t>(std::count(common.begin(), common.end(), true)));
      for (std::size_t i = 0; i < missing.size(); ++i) missing[i] += common[i] ? 0 : 1;
    }
    if (4 * most < section.words.size()) return;  // different texts, not different pictures
    std::vector<bool> different;
    for (const int n : missing) different.push_back(2 * n >= media - 1);
    found.emplace_back(&section, std::move(different));
  }
  for (auto& [section, different] : found) mark_runs(*section, different);
}

ThoughtSection finish(std::string_view text, Draft& draft) {
  ThoughtSection out{draft.medium, {}};
  std::sort(draft.marks.begin(), draft.marks.end(), [](const auto& a, const auto& b) { return a.first.begin < b.first.begin; });
  std::size_t at = draft.range.begin;
  for (const auto& [range, mark] : draft.marks) {
    if (range.begin < at) continue;  // "faults: faults: blur"
    if (range.begin > at) out.spans.push_back({text.substr(at, range.begin - at), Mark::kPlain});
    out.spans.push_back({text.substr(range.begin, range.end - range.begin), mark});
    at = range.end;
  }
  if (draft.range.end > at) out.spans.push_back({text.substr(at, draft.range.end - at), Mark::kPlain});
  return out;
}

}  // namespace

std::vector<ThoughtSection> read_thought(std::string_view thought, int media) {
  std::vector<Draft> sections = cut_sections(thought, media);
  for (Draft& section : sections) {
    section.body = std::max(section.body, section.range.begin);
    find_words(thought, section);
    find_faults(thought, section);
  }
  if (comparable(sections, media)) find_differences(sections, media);
  std::vector<ThoughtSection> out;
  for (Draft& section : sections) out.push_back(finish(thought, section));
  return out;
}

}  // namespace beholder::report
