// A stream in another order, in bounded memory: block after block of lines, each shuffled. The order is a pure function of the
// seed, so a position means the same in the next run.
#pragma once

#include <memory>
#include <vector>

#include "data/stream.h"

namespace beholder::data {

class ShuffledStream : public RecordStream {
 public:
  // `block` lines are held at once, with the pictures that came with them.
  ShuffledStream(std::unique_ptr<RecordStream> source, std::uint64_t seed, std::int64_t block = 256);

  std::optional<Line> next() override;
  std::int64_t position() const override { return position_; }
  void skip(std::int64_t lines) override;  // whole blocks are skipped in the source
  Notes notes() const override { return source_->notes(); }

 private:
  void fill();
  std::unique_ptr<RecordStream> source_;
  std::uint64_t seed_;
  std::int64_t block_, blocks_ = 0, position_ = 0;
  std::vector<Line> lines_;
  std::size_t at_ = 0;
};

}  // namespace beholder::data
