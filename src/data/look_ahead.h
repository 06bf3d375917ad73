// Lines in order, each shown to somebody a few lines before it is handed out: so that its media can be read meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "data/stream.h"

namespace beholder::data {

class LookAhead : public RecordStream {
 public:
  static constexpr std::size_t kLines = 16;  // seen and not yet handed out, at most

  // `seen` is called once for each record, in order.
  LookAhead(std::unique_ptr<RecordStream> source, std::function<void(const Record&)> seen)
      : source_(std::move(source)), seen_(std::move(seen)), position_(source_->position()) {}

  std::optional<Line> next() override {
    while (!ended_ && ahead_.size() < kLines) {
      std::optional<Line> line = source_->next();
      ended_ = !line;
      if (ended_) break;
      if (line->record) seen_(*line->record);
      ahead_.emplace_back(std::move(*line), source_->position());
    }
    if (ahead_.empty()) {
      position_ = source_->position();
      return std::nullopt;
    }
    Line line = std::move(ahead_.front().first);
    position_ = ahead_.front().second;
    ahead_.pop_front();
    return line;
  }
  std::int64_t position() const override { return position_; }
  Notes notes() const override { return source_->notes(); }

 private:
  std::unique_ptr<RecordStream> source_;
  std::function<void(const Record&)> seen_;
  std::deque<std::pair<Line, std::int64_t>> ahead_;  // with the source's position behind it
  std::int64_t position_;
  bool ended_ = false;
};

}  // namespace beholder::data
