// The frame of a self-contained page: nothing is fetched from anywhere, and a content policy in the page forbids it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beholder::report {

// From the doctype to the opened <main>, with the title as heading.
std::string page_head(std::string_view title);

// Name and value pairs as a table; nothing for none. Values are escaped here.
using Facts = std::vector<std::pair<std::string, std::string>>;
std::string facts_table(const Facts& facts);

// Closes <main>; the footer (HTML as given), the script, the end.
std::string page_tail(std::string_view footer);

}  // namespace beholder::report
