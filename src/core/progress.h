// What a person sees while something runs: log lines on stderr, and a progress line with rate and time left. On a
// terminal the line is redrawn in place; elsewhere a plain line comes at most every ten seconds. Thread: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace beholder {

enum class Quiet { kNo, kYes, kSilent };
void set_quiet(Quiet quiet);  // kYes (--quiet): no info lines, no progress; kSilent: no warnings, either, for another process says them
bool stderr_is_terminal();
bool use_colour(int fd);  // a terminal, and NO_COLOR is not set

void log_info(std::string_view text);
void log_warning(std::string_view text);

// Warnings that every line of a file may give: the first few in full, at the end how many more there were.
class Warnings {
 public:
  explicit Warnings(std::int64_t shown = 5) : shown_(shown) {}
  ~Warnings() { close(); }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;

  void add(std::string_view text);
  void close();  // says how many were not shown, once
  std::int64_t count() const { return count_; }

 private:
  std::int64_t shown_, count_ = 0;
};

std::string human_duration(double seconds);    // "1 h 02 min", "3 min 20 s", "4.2 s"
std::string human_bytes(std::uint64_t bytes);  // "7.5 GB"
std::string human_count(double n);             // "12.3 k", "3.8 B"

class Progress {
 public:
  // `total` 0: not known. `unit` in the singular-free form people read: "images", "steps".
  Progress(std::string_view label, std::int64_t total, std::string_view unit, std::int64_t done_before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `extra` stands behind the bar, e.g. "loss 0.31  12.1k tok/s".
  void update(std::int64_t done, std::string_view extra = {});
  double seconds() const;

 private:
  void draw(std::string_view extra, bool last);
  std::string label_, unit_, extra_;
  std::int64_t total_, done_, start_done_;
  std::chrono::steady_clock::time_point start_, last_drawn_;
  bool drawn_ = false;
};

}  // namespace beholder
