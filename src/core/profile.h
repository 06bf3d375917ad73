// Where the time goes: named spans of work, by thread, in Chrome's trace format (chrome://tracing, ui.perfetto.dev). Off until it is
// started; then a span costs two readings of the clock and a lock.
#pragma once

#include <cstdint>
#include <string>

namespace beholder {

// Begins to keep spans. At most a million are kept; more are counted.
void start_profile();
// Writes what was kept: {"traceEvents": [{"name", "ph": "X", "ts", "dur", "pid", "tid"}…], "dropped"}, times in microseconds from the
// start. kResource where the file cannot be written.
void write_profile(const std::string& path);

// From its construction to the end of its scope. `name` must be a literal.
class ProfileSpan {
 public:
  explicit ProfileSpan(const char* name);
  ~ProfileSpan();
  ProfileSpan(const ProfileSpan&) = delete;
  ProfileSpan& operator=(const ProfileSpan&) = delete;

 private:
  const char* name_;  // null: nothing is kept
  std::int64_t start_ns_ = 0;
};

}  // namespace beholder
