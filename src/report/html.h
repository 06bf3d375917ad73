// Text into HTML and SVG. Prompts, thoughts and file names are untrusted: every one of them passes escape().
#pragma once

#include <string>
#include <string_view>

namespace beholder::report {

// Safe between tags and inside double or single quotes, of HTML and of XML. & < > " ' become entities. What is not UTF-8, C1
// controls and noncharacters become U+FFFD; other control characters become their picture (U+2400…), \r\n becomes \n.
std::string escape(std::string_view text);

// " name=\"value\"", the value escaped; nothing for an empty value.
std::string attribute(std::string_view name, std::string_view value);

std::string base64(std::string_view bytes);
std::string data_uri(std::string_view mime, std::string_view bytes);

// "62%", "<1%" and ">99%" at the ends: a chance is never called certain unless it is.
std::string percent(double share);
std::string percent_html(double share);  // the same, escaped
// "7 pictures", "1 picture".
std::string count_of(long long n, std::string_view one, std::string_view many);

}  // namespace beholder::report
