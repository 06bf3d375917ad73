// Published numbers beside ours. Numbers stand in one table only where data and protocol are the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace beholder::eval {

struct PublishedNumber {
  std::string name, dataset, protocol, source;
  double value = 0;  // a share in [0, 1]
  bool human = false;
};

// TOML: [[source]] with dataset, protocol, source, and tables `models` and `humans` of per cent. kCorrupt naming `where`.
std::vector<PublishedNumber> parse_published(std::string_view toml, const std::string& where);
// Those in the program; with `path`, those of that file as well.
std::vector<PublishedNumber> published_numbers(const std::string& path = {});

// {"tables":[{"dataset","protocol","rule","higher_is_better","entries":[{"name","value","interval","n","source","kind"}]}],
//  "other_protocols":[{"dataset","protocol","entries":[…]}]}
// One table per data and protocol of the evaluations kept in `folders`, best first; kind is "ours", "published" or "human". Published
// numbers on the same data under other protocols stand apart. kInvalidInput where the evaluations differ in data or protocol, unless
// `separate` asks for a table each.
Json leaderboard(const std::vector<std::string>& folders, const std::vector<PublishedNumber>& published, bool separate);
std::string leaderboard_text(const Json& board);

}  // namespace beholder::eval
