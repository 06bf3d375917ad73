// What a judge in training wrote: one block per group, its two media, and the completions from the best rewarded to the worst.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/json.h"

namespace beholder::report {

// Has everything that the page needs, of the right kinds.
bool is_completion(const Json& line);

// `lines`: of a completions file (docs/FORMATS.md), each is_completion; groups are neighbours of one id. `file_of`: the picture's file for
// a medium's name. At most `groups` groups are shown, spread evenly over the step's.
std::string completions_html(const std::vector<Json>& lines, const std::function<std::string(const std::string& medium)>& file_of,
                             std::size_t groups = 12);

}  // namespace beholder::report
