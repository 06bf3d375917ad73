#include "data/shuffle.h"

#include <algorithm>

#include "core/error.h"
#include "core/rng.h"

namespace beholder::data {

ShuffledStream::ShuffledStream(std::unique_ptr<RecordStream> source, std::uint64_t seed, std::int64_t block)
    : source_(std::move(source)), seed_(seed), block_(block) {
  require_internal(block > 0, "a block holds lines");
}

void ShuffledStream::fill() {
  lines_.clear();
  at_ = 0;
  while (std::ssize(lines_) < block_) {
    std::optional<Line> line = source_->next();
    if (!line) break;
    lines_.push_back(std::move(*line));
  }
  Rng(seed_, stable_hash("stream order"), static_cast<std::uint64_t>(blocks_++)).shuffle(lines_);
}

std::optional<Line> ShuffledStream::next() {
  if (at_ == lines_.size()) fill();
  if (lines_.empty()) return std::nullopt;
  ++position_;
  return std::move(lines_[at_++]);
}

void ShuffledStream::skip(std::int64_t lines) {
  const std::int64_t rest = std::min(lines, static_cast<std::int64_t>(lines_.size() - at_));
  at_ += static_cast<std::size_t>(rest);
  const std::int64_t blocks = (lines - rest) / block_;
  source_->skip(blocks * block_);
  blocks_ += blocks;
  position_ += rest + blocks * block_;
  RecordStream::skip(lines - rest - blocks * block_);
}

}  // namespace beholder::data
