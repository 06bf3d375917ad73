// Who is alive: every rank writes a beat onto a board each second, with the number of collectives it has entered. When one of these fails,
// the beats tell whose fault it is; what was found stands on the board, and ends every rank, whatever it is doing.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace beholder::dist {

// Where all ranks can write and read; calls may throw.
struct Board {
  std::function<void(const std::string& key, const std::string& value)> set;
  std::function<std::optional<std::string>(const std::string& key)> get;  // nothing where it was not set
};

class Watch {
 public:
  // `on_fault` is called from the watch's own thread, some seconds after a fault was reported, unless this goes away before.
  Watch(Board board, int rank, int size, std::string host, std::function<void(const std::string& fault)> on_fault,
        std::chrono::milliseconds beat = std::chrono::seconds(1));
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void enter_collective() { ++collectives_; }
  // "rank 2 (host7) died or was stopped", or what was reported before; empty where nothing tells. Takes a few seconds.
  std::string blame();
  // Puts the fault onto the board, unless one stands there, and gives the others the time to see it.
  void report(const std::string& fault);
  std::string name() const;  // "rank 2 (host7)"

 private:
  struct Beat {
    std::string text;
    std::int64_t collectives = 0;
    std::string host;
  };
  void work();
  void beat();
  std::string suspect();
  std::optional<Beat> beat_of(int rank);

  Board board_;
  int rank_, size_;
  std::string host_;
  std::function<void(const std::string&)> on_fault_;
  std::chrono::milliseconds beat_;
  std::atomic<std::int64_t> collectives_ = 0;
  std::int64_t beats_ = 0;
  std::mutex mutex_;  // of the board and of stop_
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace beholder::dist
