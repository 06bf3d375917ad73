// One item of preference data: a prompt, the media made for it, and what people said. Stored as JSON lines:
//   {"id":"7","prompt":"a red cup","media":["a.png",{"frames":["0.png","1.png"],"fps":2}],"target":{"pair":0.8,"votes":5}}
// `target` is {"pair":q[,"votes":n]}, {"ranking":[1,2,2]} or absent; "completion" is an optional text to imitate (SFT); "meta"
// is an object of whatever else the source said. Only `target` carries the label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace beholder::data {

// The most that a record may have, from whatever source; more is a bad line.
inline constexpr std::size_t kMaxMedia = 256;

// A file (image or video), or a video given as frame files. Exactly one of `path` and `frames` is set.
struct MediaRef {
  std::string path;
  std::vector<std::string> frames = {};
  double fps = 0;                                 // frames per second of `frames`; 0 for a file
  std::shared_ptr<const std::string> bytes = {};  // content that came with the record (a Parquet cell); `path` then only names it

  bool is_frame_list() const { return !frames.empty(); }
  const std::string& name() const { return frames.empty() ? path : frames[0]; }  // for people, and to tell media apart by
  bool operator==(const MediaRef& other) const;
};

struct Target {
  enum class Kind { kNone, kPair, kRanking };
  Kind kind = Kind::kNone;
  double q = 0.5;            // kPair: probability in [0,1] that medium 1 is preferred
  int votes = 0;             // kPair: how many people q was counted from; 0: not known
  std::vector<int> ranking;  // kRanking: rank per medium, 1 = best, equal = tie, gaps allowed

  bool operator==(const Target&) const = default;
};

struct Record {
  std::string id, prompt;
  std::vector<MediaRef> media;  // at least 1; at least 2 where there is a target, exactly 2 for a pair
  Target target;
  std::string completion;  // empty: none
  Json meta;               // an object, or null

  bool operator==(const Record&) const = default;
};

// Checks everything said above and throws kInvalidInput or kCorrupt that names `where` and the way out. Keys nobody knows
// are put into `unknown` where it is given.
Record parse_record(const Json& value, std::string_view where, std::set<std::string>* unknown = nullptr);
Json record_to_json(const Record& record);

// Makes relative media paths relative to `folder` instead of the working directory.
void resolve_media(Record& record, const std::string& folder);

// Exchanges media and label together: the medium at `order[k]` comes to place k. `order` is a permutation of 0..K-1.
Record reorder(const Record& record, const std::vector<int>& order);
// The permutation a judge sees: a pure function of (seed, epoch, id), each order equally likely over ids.
std::vector<int> side_order(std::size_t media, std::uint64_t seed, std::uint64_t epoch, std::string_view id);
// reorder by side_order. A record with a completion comes back as it is: the text names its media by number.
Record shuffle_sides(const Record& record, std::uint64_t seed, std::uint64_t epoch);

// The pair itself, or for a ranking one pair record per i < j ("id#1-2", q 1, 0 or 0.5 for a tie). No target: no pairs.
std::vector<Record> expand_pairs(const Record& record);

// How many pairs expand_pairs gives; ties have q 0.5, soft ones a q that is none of 0, 0.5 and 1.
struct PairCounts {
  std::int64_t pairs = 0, ties = 0, soft = 0;
};
PairCounts count_pairs(const Target& target);

}  // namespace beholder::data
