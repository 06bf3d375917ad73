// One part of n of a stream of records, for programs that work side by side. Which part a record belongs to is a hash of its id, so that
// the parts are disjoint, leave nothing out, and do not depend on the order of the records. Lines that are no records are in part 1.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/stream.h"

namespace beholder::data {

struct Shard {
  std::int64_t index = 1, count = 1;  // 1-based: 1/1 is everything

  bool holds(std::string_view id) const;
  bool is_whole() const { return count == 1; }
};

// "2/8", or "" for 1/1. kUsage, naming `where`, for anything else.
Shard parse_shard(std::string_view text, std::string_view where);

// The lines of `source` that belong to the shard. Positions are those of the source.
class ShardStream : public RecordStream {
 public:
  ShardStream(std::unique_ptr<RecordStream> source, Shard shard) : source_(std::move(source)), shard_(shard) {}

  std::optional<Line> next() override;
  std::int64_t position() const override { return source_->position(); }
  Notes notes() const override { return source_->notes(); }

 private:
  std::unique_ptr<RecordStream> source_;
  Shard shard_;
};

}  // namespace beholder::data
