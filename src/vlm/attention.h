// Attention over packed rows. A plan says once per batch which rows attend to which; every layer then runs it.
// Letters: T rows, H query heads, K key/value heads, d head size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vlm/packed.h"
#include "vlm/tree_attention.h"

namespace beholder::vlm {

// Rows that are computed in one call: B sequences of up to L queries and S keys each.
struct AttentionGroup {
  at::Tensor query_BL, key_BS;  // row numbers, int64; short sequences repeat their last row
  at::Tensor mask_LS;           // bool, or undefined
  bool causal = false;
  bool contiguous = false;  // rows 0..T-1 in order: no gathering needed
};

struct AttentionTables {
  std::vector<AttentionGroup> groups;
  at::Tensor output_T;  // where row t stands in the concatenated groups; undefined when already in order
};

class AttentionPlan {
 public:
  AttentionPlan() = default;
  AttentionPlan(std::vector<AttentionRun> runs, double least_fill, at::Device device);

  AttentionRuns runs() const { return {kept_, &kept_->runs}; }
  // Made at the first call: tree_attention needs none. One thread at a time.
  const AttentionTables& tables() const;

 private:
  struct Kept {  // by all copies together
    std::vector<AttentionRun> runs;
    double least_fill;
    at::Device device;
    std::optional<AttentionTables> tables;
  };
  std::shared_ptr<Kept> kept_;
};

// Trees of segments: causal within a segment, everything of the ancestors is visible.
AttentionPlan plan_tree(std::span<const Span> spans, at::Device device);
// Independent runs of rows that see each other in both directions (windows or frames of the vision tower).
AttentionPlan plan_blocks(std::span<const std::int64_t> lengths, at::Device device);

// q [T,H,d], k and v [T,K,d] -> [T, H*d]; scaled by 1/sqrt(d). H is a multiple of K.
at::Tensor attend(const at::Tensor& q_THd, const at::Tensor& k_TKd, const at::Tensor& v_TKd, const AttentionPlan& plan);

}  // namespace beholder::vlm
