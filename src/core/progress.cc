#include "core/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/format.h"
#include "core/printable.h"

namespace beholder {
namespace {

bool g_quiet = false;
bool g_silent = false;
constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string bar(double share, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? "━" : "·";
  return out;
}

}  // namespace

void set_quiet(Quiet quiet) {
  g_quiet = quiet != Quiet::kNo;
  g_silent = quiet == Quiet::kSilent;
}
bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}
bool use_colour(int fd) {
  return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr;
}

void log_info(std::string_view text) {
  if (!g_quiet) print(printable(text, true) + "\n");
}

void log_warning(std::string_view text) {
  if (!g_silent) print(format("{} {}\n", use_colour(STDERR_FILENO) ? "\033[33mwarning:\033[0m" : "warning:", printable(text, true)));
}

void Warnings::add(std::string_view text) {
  if (++count_ <= shown_) log_warning(text);
}

void Warnings::close() {
  if (count_ > shown_) log_warning(format("{} more like these", count_ - shown_));
  shown_ = count_;
}

std::string human_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 10) return format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return format("{} s", whole);
  if (whole < 3600) return format("{} min {:02} s", whole / 60, whole % 60);
  return format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string human_bytes(std::uint64_t bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  for (; value >= 1000 && unit < 4; ++unit) value /= 1000;
  return unit == 0 ? format("{} B", bytes) : format("{:.1f} {}", value, units[unit]);
}

std::string human_count(double n) {
  if (n >= 1e9) return format("{:.2f} B", n / 1e9);
  if (n >= 1e6) return format("{:.2f} M", n / 1e6);
  if (n >= 1e4) return format("{:.1f} k", n / 1e3);
  return format("{:.0f}", n);
}

Progress::Progress(std::string_view label, std::int64_t total, std::string_view unit, std::int64_t done_before)
    : label_(label),
      unit_(unit),
      total_(total),
      done_(done_before),
      start_done_(done_before),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_) {}

Progress::~Progress() {
  if (drawn_) draw(extra_, true);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::update(std::int64_t done, std::string_view extra) {
  done_ = done;
  extra_ = extra;
  if (g_quiet) return;
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds wait =
      stderr_is_terminal() ? std::chrono::nanoseconds(kTerminalInterval) : std::chrono::nanoseconds(kPlainInterval);
  if (now - last_drawn_ < wait) return;
  last_drawn_ = now;
  draw(extra, false);
}

void Progress::draw(std::string_view extra, bool last) {
  drawn_ = true;
  const double elapsed = seconds();
  const double rate = elapsed > 0 ? static_cast<double>(done_ - start_done_) / elapsed : 0;
  std::string line = label_ + " ";
  if (total_ > 0) {
    const double share = static_cast<double>(done_) / static_cast<double>(total_);
    const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : INFINITY;
    line += format("{} {}/{} {}  {:.3g}/s  {} left", bar(share, 20), done_, total_, unit_, rate, human_duration(left));
  } else {
    line += format("{} {}  {:.3g}/s", done_, unit_, rate);
  }
  if (!extra.empty()) line += format("  {}", extra);
  if (stderr_is_terminal())
    print(format("\r\033[K{}{}", line, last ? "\n" : ""));
  else
    print(line + "\n");
}

}  // namespace beholder
