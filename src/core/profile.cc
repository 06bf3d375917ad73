#include "core/profile.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder {
namespace {

constexpr std::size_t kMost = 1'000'000;

struct Kept {
  const char* name;
  std::int64_t start_ns, end_ns;
  int thread;
};

struct Profile {
  std::atomic<bool> on = false;
  std::int64_t start_ns = 0;
  std::mutex mutex;
  std::vector<Kept> spans;
  std::int64_t dropped = 0;
};

Profile& profile() {
  static Profile the;
  return the;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int thread_number() {
  static std::atomic<int> next = 0;
  thread_local const int kNumber = next++;
  return kNumber;
}

}  // namespace

void start_profile() {
  profile().start_ns = now_ns();
  profile().on = true;
}

void write_profile(const std::string& path) {
  Profile& p = profile();
  p.on = false;
  const std::lock_guard lock(p.mutex);
  write_file_atomic(path, [&](const std::function<void(std::string_view)>& sink) {
    sink("{\"traceEvents\": [\n");
    bool first = true;
    for (const Kept& k : p.spans) {
      const Json event{{"name", k.name},
                       {"ph", "X"},
                       {"ts", static_cast<double>(k.start_ns - p.start_ns) / 1e3},
                       {"dur", static_cast<double>(k.end_ns - k.start_ns) / 1e3},
                       {"pid", ::getpid()},
                       {"tid", k.thread}};
      sink((first ? "" : ",\n") + json_line(event));
      first = false;
    }
    sink(format("\n], \"displayTimeUnit\": \"ms\", \"dropped\": {}}}\n", p.dropped));
  });
}

ProfileSpan::ProfileSpan(const char* name) : name_(profile().on.load(std::memory_order_relaxed) ? name : nullptr) {
  if (name_) start_ns_ = now_ns();
}

ProfileSpan::~ProfileSpan() {
  if (!name_) return;
  const Kept kept{name_, start_ns_, now_ns(), thread_number()};
  Profile& p = profile();
  const std::lock_guard lock(p.mutex);
  if (p.spans.size() < kMost)
    p.spans.push_back(kept);
  else
    ++p.dropped;
}

}  // namespace beholder
