// How long things were under way between the ranks, and how long this one waited for them: what of the traffic was hidden behind work.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "dist/process_group.h"

namespace beholder::dist {

// Something that was sent, and when.
class Parcel {
 public:
  using Clock = ProcessGroup::Clock;

  Parcel() = default;
  explicit Parcel(const std::function<std::unique_ptr<ProcessGroup::Pending>()>& send) : sent_(Clock::now()), pending_(send()) {}
  // Until it has arrived. Nothing to do where nothing is under way.
  void wait();

 private:
  friend class Traffic;
  Clock::time_point sent_;
  std::unique_ptr<ProcessGroup::Pending> pending_;
};

class Traffic {
 public:
  // Waits for the parcel. Parcels that are under way at the same time come here in the order in which they were sent.
  void arrived(Parcel& parcel);

  double waited_s() const { return std::chrono::duration<double>(waited_).count(); }
  // The share of the time in which at least one parcel was under way that nobody waited; 0 where none ever was.
  double hidden() const;

 private:
  Parcel::Clock::duration waited_{}, under_way_{};
  Parcel::Clock::time_point counted_;  // up to here `under_way_` is complete
};

}  // namespace beholder::dist
