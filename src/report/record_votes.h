// The verdicts inside a record, and checks that all of its parts share. Internal to the room.
#pragma once

#include <string_view>
#include <vector>

#include "report/record.h"

namespace beholder::report {

// kCorrupt, naming `where`.
[[noreturn]] void bad_record(std::string_view where, std::string_view what);
const Json& array_of(const Json& value, const char* key, std::string_view where);
double probability(const Json& value, const char* key, std::string_view where);  // in [0, 1]

// A comparison of `media` (two, as the verdict orders them; they stand best first in the record).
PairVerdict read_pair(const Json& verdict, const std::vector<int>& media, std::string_view where);
// A vote on `media`, of `all` in the record.
ListVote read_list_vote(const Json& vote, const std::vector<int>& media, std::size_t all, std::string_view where);

}  // namespace beholder::report
