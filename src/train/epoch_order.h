// The order of `n` examples, shuffled anew every epoch: a pure function of (seed, name, epoch, index).
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace beholder::train {

class EpochOrder {
 public:
  // `name`: sources of different names have different orders. Not shuffled: always 0, 1, 2, …
  EpochOrder(std::string_view name, std::uint64_t seed, bool shuffle);

  // Which of the `n` comes at `index` of `epoch`. Any thread; quick while the epoch stays the same.
  std::size_t place(std::int64_t n, std::int64_t epoch, std::int64_t index) const;

 private:
  std::uint64_t name_, seed_;
  bool shuffle_;
  mutable std::mutex mutex_;  // guards the rest
  mutable std::int64_t epoch_ = -1;
  mutable std::vector<std::size_t> order_;
};

}  // namespace beholder::train
