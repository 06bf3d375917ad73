// A tar cut into parts that only together are one file: their order, and which of them is not there.
#pragma once

#include <string>
#include <vector>

namespace beholder::data {

// By the parts' suffixes: numbers by value (".2" before ".10"), letters as they stand (".aa" before ".ab"). A whole archive beside
// its parts is read alone.
void sort_parts(std::vector<std::string>& parts);
// The path of the first part that is not there though a later one is (numbers begin with 0 or 1, letters with a…); empty: none. What stands
// behind it in the sorted `parts` is taken away: nothing there can be read.
std::string cut_at_missing_part(std::vector<std::string>& parts);

}  // namespace beholder::data
