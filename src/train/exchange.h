// Data-parallel updates: gradients are summed over the ranks while the backward pass still runs, every rank keeps the optimiser's state of
// its share of the parameters and updates those (ZeRO-1, 1910.02054), and hands them to the others.
//
// Parameters are cut, in the order in which the backward pass comes to them, into contiguous shares of about equal size, a rank each, and
// shares into buckets. A bucket goes to its owner as one sum as soon as all its gradients are there.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dist/process_group.h"
#include "dist/traffic.h"
#include "train/optim.h"

namespace beholder::train {

class GradientExchange {
 public:
  // `params` are leaves and outlive this. With gradient checkpointing the blocks of the vision tower get one gradient from the pictures and
  // one from the videos, so what belongs to it leaves after the backward pass.
  GradientExchange(dist::ProcessGroup& group, const std::vector<NamedParam>& params, bool gradient_checkpointing = false);
  ~GradientExchange();
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  int owner(std::size_t param) const { return owners_[param]; }
  bool is_mine(std::size_t param) const { return owners_[param] == group_.rank(); }
  std::vector<bool> mine() const;  // of all parameters; empty for a process that is alone

  // Before the last backward pass of an update: from now on a gradient that is accumulated is complete, and moves from its parameter to the
  // bucket.
  void begin();
  // After it: afterwards owned parameters hold the sums over the ranks, none where no rank has a gradient, and the others hold none.
  void finish();
  // Owners' values to everybody.
  void share();
  // How long gradients and parameters were under way, and how long this rank waited for them, since the last call.
  dist::Traffic take_traffic() { return std::exchange(traffic_, {}); }

 private:
  struct Bucket {
    std::vector<std::size_t> params;
    int owner = 0;
    std::int64_t elements = 0;
    std::size_t missing = 0;  // gradients, of the update under way
    at::Tensor flat;
    dist::Parcel parcel;
  };
  class Hook;
  void ready(std::size_t param);
  void send(Bucket& bucket);
  void send_complete();

  dist::ProcessGroup& group_;
  std::vector<at::Tensor> values_;
  std::vector<int> owners_;
  std::vector<std::size_t> bucket_of_;
  std::vector<Bucket> buckets_;
  std::vector<float> has_gradient_;
  dist::Traffic traffic_;
  std::size_t sent_ = 0;  // buckets go in order, on all ranks the same
  bool under_way_ = false;
};

}  // namespace beholder::train
