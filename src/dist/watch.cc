#include "dist/watch.h"

#include <chrono>
#include <exception>
#include <sstream>
#include <utility>

#include "core/format.h"

namespace beholder::dist {
namespace {

constexpr int kLook = 4;   // beats between two looks: one or two may be late
constexpr int kGrace = 6;  // for a rank to find the fault itself and end in order
constexpr const char* kFault = "fault";

}  // namespace

Watch::Watch(Board board, int rank, int size, std::string host, std::function<void(const std::string&)> on_fault,
             std::chrono::milliseconds beat_time)
    : board_(std::move(board)), rank_(rank), size_(size), host_(std::move(host)), on_fault_(std::move(on_fault)), beat_(beat_time) {
  beat();
  thread_ = std::thread([this] { work(); });
}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

std::string Watch::name() const {
  return format("rank {} ({})", rank_, host_);
}

void Watch::beat() {
  board_.set(format("beat/{}", rank_), format("{} {} {}", ++beats_, collectives_.load(), host_));
}

void Watch::work() {
  std::unique_lock lock(mutex_);
  std::optional<std::string> fault;
  while (!fault && !stopped_.wait_for(lock, beat_, [this] { return stop_; })) {
    try {
      beat();
      fault = board_.get(kFault);
    } catch (const std::exception&) {
      fault = "rank 0, which keeps the others together, is gone";
    }
  }
  if (fault && !stopped_.wait_for(lock, kGrace * beat_, [this] { return stop_; })) on_fault_(*fault);
}

void Watch::report(const std::string& fault) {
  {
    const std::lock_guard lock(mutex_);
    try {
      if (!board_.get(kFault)) board_.set(kFault, fault);
    } catch (const std::exception&) {  // nobody is left to be told
      return;
    }
  }
  std::this_thread::sleep_for(2 * beat_);
}

std::optional<Watch::Beat> Watch::beat_of(int rank) {
  const std::optional<std::string> text = board_.get(format("beat/{}", rank));
  if (!text) return std::nullopt;
  Beat beat{.text = *text, .collectives = 0, .host = {}};
  std::int64_t number = 0;
  std::istringstream(*text) >> number >> beat.collectives >> beat.host;
  return beat;
}

std::string Watch::blame() {
  try {
    return suspect();
  } catch (const std::exception&) {
    return "rank 0, which keeps the others together, is gone";
  }
}

std::string Watch::suspect() {
  std::vector<std::optional<Beat>> before;
  for (int r = 0; r < size_; ++r) {
    const std::lock_guard lock(mutex_);
    before.push_back(beat_of(r));
  }
  std::this_thread::sleep_for(kLook * beat_);
  const std::lock_guard lock(mutex_);
  if (const auto fault = board_.get(kFault)) return *fault;
  std::string slowest;
  std::int64_t least = collectives_;
  for (int r = 0; r < size_; ++r) {
    if (r == rank_) continue;
    const std::optional<Beat> now = beat_of(r), &then = before[static_cast<std::size_t>(r)];
    if (!now) return format("rank {} never came", r);
    if (then && now->text == then->text) return format("rank {} ({}) died or was stopped", r, now->host);
    if (now->collectives >= least) continue;
    least = now->collectives;
    slowest = format("rank {} ({}) runs but does not come: it hangs in its own work", r, now->host);
  }
  return slowest;
}

}  // namespace beholder::dist
