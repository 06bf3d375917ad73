#include "train/ranks.h"

#include <ATen/DeviceAccelerator.h>

#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "core/progress.h"
#include "dist/launch.h"
#include "train/checkpoint.h"

namespace beholder::train {

void with_ranks(const RunConfig& config, const std::function<void(dist::ProcessGroup&)>& train) {
  const dist::Place place = dist::find_place(std::getenv);
  if (place.size == 1) return train(dist::alone());
  if (place.rank > 0) set_quiet(Quiet::kSilent);
  const auto group = dist::join(place, config.ddp_timeout, [place](const std::string& fault) {
    const Error error = dist::lost_rank(place.rank, place.size, fault);
    std::fprintf(stderr, "error: %s\n", error.what());
    std::fflush(nullptr);
    std::_Exit(error.exit_status());  // the main thread waits for something that will not come
  });
  try {
    train(*group);
  } catch (const std::exception& e) {
    group->leave(e.what());
    throw;
  }
}

std::unique_ptr<RunLock> lock_on_main(const RunConfig& config, const dist::ProcessGroup& group) {
  if (!group.is_main()) return nullptr;
  auto lock = std::make_unique<RunLock>(config.output_dir);
  remove_unfinished(config.output_dir);
  return lock;
}

std::string device_here(const std::string& device) {
  return dist::device_of(device, dist::find_place(std::getenv).local_rank, at::accelerator::deviceCount());
}

}  // namespace beholder::train
