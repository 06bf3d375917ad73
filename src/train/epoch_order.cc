#include "train/epoch_order.h"

#include <numeric>

#include "core/rng.h"

namespace beholder::train {

EpochOrder::EpochOrder(std::string_view name, std::uint64_t seed, bool shuffle)
    : name_(stable_hash(name)), seed_(seed), shuffle_(shuffle) {}

std::size_t EpochOrder::place(std::int64_t n, std::int64_t epoch, std::int64_t index) const {
  if (!shuffle_) return static_cast<std::size_t>(index);
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_ || order_.size() != static_cast<std::size_t>(n)) {
    order_.resize(static_cast<std::size_t>(n));
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    Rng(seed_, name_, static_cast<std::uint64_t>(epoch)).shuffle(order_);
    epoch_ = epoch;
  }
  return order_[static_cast<std::size_t>(index)];
}

}  // namespace beholder::train
