#include "dist/traffic.h"

#include <algorithm>

namespace beholder::dist {

void Parcel::wait() {
  if (pending_) pending_->wait();
  pending_.reset();
}

void Traffic::arrived(Parcel& parcel) {
  if (!parcel.pending_) return;
  const auto start = Parcel::Clock::now();
  parcel.pending_->wait();
  const auto end = parcel.pending_->ended();
  waited_ += std::max(end - start, Parcel::Clock::duration::zero());
  under_way_ += std::max(end - std::max(parcel.sent_, counted_), Parcel::Clock::duration::zero());
  counted_ = std::max(counted_, end);
  parcel.pending_.reset();
}

double Traffic::hidden() const {
  return under_way_.count() > 0 ? 1 - static_cast<double>(waited_.count()) / static_cast<double>(under_way_.count()) : 0;
}

}  // namespace beholder::dist
