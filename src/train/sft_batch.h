// Batches of supervised examples, made ahead of the trainer by one background thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "train/sft_source.h"

namespace beholder::train {

struct SftBatch {
  std::int64_t step = 0;
  std::vector<SftExample> examples;   // in order; those that cannot be used are left out
  std::vector<std::string> problems;  // "id: why" of those
  std::int64_t tokens = 0, completion_tokens = 0;

  // Cut points of `examples` for micro-batches of at most `size`.
  std::vector<std::span<const SftExample>> micro_batches(std::int64_t size) const;
  std::string ids() const;  // "a, b, c" for messages
};

// Examples [first, second) of a batch: all of it, or a rank's part.
using Part = std::pair<std::int64_t, std::int64_t>;

// Those of update `step`. An example longer than `max_tokens` counts as one that cannot be used.
SftBatch make_batch(const SftSource& source, std::int64_t step, Part part, std::int64_t max_tokens);

// Batches of steps `first`, first + 1, … `end` - 1 in order, at most kAhead waiting. An exception of the source comes out of
// next(). `source` must outlive this.
class BatchPrefetcher {
 public:
  static constexpr std::size_t kAhead = 3;
  BatchPrefetcher(const SftSource& source, std::int64_t first, std::int64_t end, Part part, std::int64_t max_tokens);
  ~BatchPrefetcher();
  BatchPrefetcher(const BatchPrefetcher&) = delete;
  BatchPrefetcher& operator=(const BatchPrefetcher&) = delete;

  SftBatch next();

 private:
  void work(std::int64_t first, std::int64_t end, Part part, std::int64_t max_tokens);

  const SftSource& source_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SftBatch> ready_;
  std::exception_ptr failure_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace beholder::train
