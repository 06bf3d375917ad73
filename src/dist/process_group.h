// The processes of one training, and what they say to each other. Every rank calls the same collectives in the same order; a trainer sees
// only this. One process alone has a group, too, whose collectives do nothing.
//
// kResource when a rank is gone or does not answer within the time limit, naming it: the run cannot go on, its checkpoints are intact.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace beholder::dist {

class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_main() const { return rank_ == 0; }  // the one that writes files
  bool is_alone() const { return size_ == 1; }

  // In place, the sum over the ranks.
  virtual void sum(at::Tensor& tensor) = 0;
  double sum(double value);
  std::int64_t sum(std::int64_t value);  // exact up to 2^53
  using Clock = std::chrono::steady_clock;
  // Something under way; `wait` ends it. The tensor must stay untouched until then.
  class Pending {
   public:
    virtual ~Pending() = default;
    virtual void wait() = 0;
    virtual Clock::time_point ended() const = 0;  // when it did, once `wait` has returned; on a GPU when `wait` saw it
  };
  // The sum over the ranks, at `root`; elsewhere the content is lost. Null where there is nothing to wait for.
  virtual std::unique_ptr<Pending> reduce(at::Tensor& tensor, int root) = 0;
  // In place, `root`'s. Null where there is nothing to wait for.
  virtual std::unique_ptr<Pending> start_broadcast(at::Tensor& tensor, int root) = 0;
  void broadcast(at::Tensor& tensor, int root);

  // Everybody's bytes, by rank, at every rank.
  virtual std::vector<std::string> gather(const std::string& mine) = 0;
  // Everybody's texts, without zero bytes, in the order of the ranks, at every rank.
  std::vector<std::string> gather_texts(const std::vector<std::string>& mine);
  // Whether any rank says so.
  bool any(bool mine) { return sum(mine ? 1.0 : 0.0) > 0; }

  // Tells the others why this rank goes: what they report when they miss it.
  virtual void leave(const std::string& why) = 0;

  // This rank's part of `n` things: [begin, end). The parts are contiguous, in the order of the ranks, and differ by one at most.
  std::pair<std::int64_t, std::int64_t> part(std::int64_t n) const { return {n * rank_ / size_, n * (rank_ + 1) / size_}; }

 protected:
  ProcessGroup(int rank, int size) : rank_(rank), size_(size) {}

 private:
  int rank_, size_;
};

// The group of a process that is alone; there is one.
ProcessGroup& alone();

}  // namespace beholder::dist
