// Carries a rank's beats to the board and what stands there back. The board may not answer for ever (its keeper is stopped, its network is
// gone), so a thread of its own does the talking, and all others only read what it last heard.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace beholder::dist {

// Where all ranks can write and read; calls may throw, or never return.
struct Board {
  std::function<void(const std::string& key, const std::string& value)> set;
  std::function<std::optional<std::string>(const std::string& key)> get;  // nothing where it was not set
};

// What a rank writes about itself.
struct Beat {
  std::int64_t number = 0, collectives = 0;  // collectives: that it has entered
  std::string host;
};

struct News {
  std::vector<std::optional<Beat>> beats;  // by rank; after the first of each only read by a look
  std::optional<std::string> fault;        // that stands on the board
  bool lost = false;                       // a call threw: there is no board any more
  bool posted = false;                     // what was to be posted stands there, or something did before
  std::int64_t rounds = 0, looks = 0;      // that were answered
};

class Courier {
 public:
  // Writes `own()` and reads once every `beat`.
  Courier(Board board, int rank, int size, std::chrono::milliseconds beat, std::function<Beat()> own);
  ~Courier();  // of a board that does not answer the thread is left behind
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  News news() const;
  // The news as soon as `enough`, or those there are after `at_most`.
  News wait(std::chrono::milliseconds at_most, const std::function<bool(const News&)>& enough) const;
  // Puts the fault onto the board at once, unless one stands there.
  void post(const std::string& fault);
  // Reads everybody's beats from now on; the number of looks before.
  std::int64_t look();

 private:
  struct Shared;
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;  // the thread's, too
  std::thread thread_;
};

}  // namespace beholder::dist
