#include "data/archive_parts.h"

#include <algorithm>
#include <cctype>

#include "core/format.h"
#include "data/archive.h"

namespace beholder::data {
namespace {

// ".aa" of "images.tar.gz.aa"; empty for a whole archive.
std::string suffix_of_part(const std::string& path) {
  return path.substr(archive_name(path).size());
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Numbers without their zeros before, behind their length: then order of text is order of value.
std::string order_key(const std::string& suffix) {
  std::string key;
  for (std::size_t i = 0; i < suffix.size();) {
    if (!is_digit(suffix[i])) {
      key.push_back(suffix[i++]);
      continue;
    }
    std::size_t end = i;
    while (end < suffix.size() && is_digit(suffix[end])) ++end;
    while (i + 1 < end && suffix[i] == '0') ++i;
    key += static_cast<char>('0' + (end - i)) + suffix.substr(i, end - i);
    i = end;
  }
  return key;
}

// The suffix behind this one: ".9" -> ".10", ".009" -> ".010", ".az" -> ".ba".
std::string following(const std::string& suffix) {
  std::string next = suffix;
  for (std::size_t i = next.size(); i-- > 1;) {
    if (next[i] == '9')
      next[i] = '0';
    else if (next[i] == 'z')
      next[i] = 'a';
    else if (is_digit(next[i]) || std::isalpha(static_cast<unsigned char>(next[i])))
      return ++next[i], next;
    const bool number_ends = is_digit(next[i]) && !is_digit(next[i - 1]);
    if (number_ends) return next.insert(i, "1");
  }
  return next;
}

// What a first part is called, like this one: 0 or 1 in its digits, "aa".
bool begins(const std::string& suffix) {
  const std::string digits = suffix.substr(std::min(suffix.find_first_of("0123456789"), suffix.size()));
  if (!digits.empty()) return order_key(digits) == "10" || order_key(digits) == "11";
  return suffix.find_first_not_of("a", 1) == std::string::npos;
}

std::string first_like(std::string suffix) {
  const std::size_t at = suffix.find_first_of("0123456789");
  if (at == std::string::npos) return "." + std::string(suffix.size() - 1, 'a');
  std::fill(suffix.begin() + static_cast<std::ptrdiff_t>(at), suffix.end(), '0');
  suffix.back() = '1';
  return suffix;
}

}  // namespace

void sort_parts(std::vector<std::string>& parts) {
  std::sort(parts.begin(), parts.end(),
            [](const std::string& a, const std::string& b) { return order_key(suffix_of_part(a)) < order_key(suffix_of_part(b)); });
  if (!parts.empty() && suffix_of_part(parts[0]).empty()) parts.resize(1);
}

std::string cut_at_missing_part(std::vector<std::string>& parts) {
  if (parts.size() < 2) return {};
  const std::string name = archive_name(parts[0]), first = suffix_of_part(parts[0]);
  if (!begins(first)) {
    parts.clear();
    return name + first_like(first);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string here = suffix_of_part(parts[i]), next = following(suffix_of_part(parts[i - 1]));
    const bool longer = !is_digit(here.back()) && here.size() != next.size();  // "zaaa" behind "yz"
    if (longer || order_key(next) == order_key(here)) continue;
    parts.resize(i);
    return name + next;
  }
  return {};
}

}  // namespace beholder::data
