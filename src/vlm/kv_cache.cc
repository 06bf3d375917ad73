#include "vlm/kv_cache.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace beholder::vlm {

GroupCache::GroupCache(std::int64_t layers, std::vector<std::int64_t> prefix_lengths, std::int64_t group_size, std::int64_t max_suffix)
    : layers_(static_cast<std::size_t>(layers)),
      prefix_lengths_(std::move(prefix_lengths)),
      group_size_(group_size),
      max_suffix_(max_suffix) {
  const std::int64_t longest = *std::max_element(prefix_lengths_.begin(), prefix_lengths_.end());
  if (std::all_of(prefix_lengths_.begin(), prefix_lengths_.end(), [&](std::int64_t p) { return p == longest; })) return;
  prefix_bias_ = at::zeros({requests(), 1, 1, longest}, at::kFloat);
  for (std::int64_t r = 0; r < requests(); ++r) {
    const std::int64_t length = prefix_lengths_[static_cast<std::size_t>(r)];
    prefix_bias_[r].narrow(-1, length, longest - length).fill_(-std::numeric_limits<float>::infinity());
  }
}

void GroupCache::set_prefix(std::int64_t index, const at::Tensor& k_TKd, const at::Tensor& v_TKd) {
  const std::int64_t heads = k_TKd.size(1), d = k_TKd.size(2);
  const std::int64_t longest = *std::max_element(prefix_lengths_.begin(), prefix_lengths_.end());
  Layer& layer = layers_[static_cast<std::size_t>(index)];
  layer.prefix_k = at::zeros({requests(), heads, longest, d}, k_TKd.options());
  layer.prefix_v = at::zeros_like(layer.prefix_k);
  layer.suffix_k = at::empty({requests() * group_size_, heads, max_suffix_, d}, k_TKd.options());
  layer.suffix_v = at::empty_like(layer.suffix_k);
  std::int64_t begin = 0;
  for (std::int64_t r = 0; r < requests(); ++r) {
    const std::int64_t length = prefix_lengths_[static_cast<std::size_t>(r)];
    layer.prefix_k[r].narrow(1, 0, length).copy_(k_TKd.narrow(0, begin, length).transpose(0, 1));
    layer.prefix_v[r].narrow(1, 0, length).copy_(v_TKd.narrow(0, begin, length).transpose(0, 1));
    begin += length;
  }
  if (prefix_bias_.defined()) prefix_bias_ = prefix_bias_.to(k_TKd.device());
}

at::Tensor GroupCache::attend(std::int64_t index, std::int64_t step, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  Layer& layer = layers_[static_cast<std::size_t>(index)];
  const std::int64_t r = requests(), g = group_size_, heads = k.size(1), d = k.size(2), fold = q.size(1) / heads, n = step + 1;
  layer.suffix_k.select(2, step).copy_(k);
  layer.suffix_v.select(2, step).copy_(v);
  // The query heads that share a key head become rows: one product per key head instead of one per query head.
  const at::Tensor by_head = q.view({r, g, heads, fold, d}).transpose(1, 2).reshape({r, heads, g * fold, d});  // rows of one prefix
  at::Tensor to_prefix = at::matmul(by_head, layer.prefix_k.transpose(2, 3)).to(at::kFloat);                   // [R,K,G*f,P]
  if (prefix_bias_.defined()) to_prefix = to_prefix + prefix_bias_;
  const at::Tensor rows = q.view({r * g, heads, fold, d});
  const at::Tensor own_k = layer.suffix_k.narrow(2, 0, n), own_v = layer.suffix_v.narrow(2, 0, n);
  const at::Tensor to_suffix = at::matmul(rows, own_k.transpose(2, 3)).to(at::kFloat);  // [R*G,K,f,n]
  const std::int64_t p = to_prefix.size(3);
  const at::Tensor suffix_rows = to_suffix.view({r, g, heads, fold, n}).transpose(1, 2).reshape({r, heads, g * fold, n});
  const at::Tensor share =
      at::softmax(at::cat({to_prefix, suffix_rows}, -1) * (1.0 / std::sqrt(static_cast<double>(d))), -1).to(q.scalar_type());
  const at::Tensor from_prefix = at::matmul(share.narrow(-1, 0, p), layer.prefix_v).view({r, heads, g, fold, d}).transpose(1, 2);
  const at::Tensor share_own = share.narrow(-1, p, n).reshape({r, heads, g, fold, n}).transpose(1, 2).reshape({r * g, heads, fold, n});
  const at::Tensor from_suffix = at::matmul(share_own, own_v).view({r, g, heads, fold, d});
  return (from_prefix + from_suffix).reshape({r * g, heads * fold * d});
}

void GroupCache::keep(const std::vector<std::int64_t>& requests, const std::vector<std::int64_t>& slots) {
  const at::Device device = layers_.front().prefix_k.device();
  const at::Tensor kept_requests = at::tensor(requests, at::kLong).to(device), kept_slots = at::tensor(slots, at::kLong).to(device);
  for (Layer& layer : layers_) {
    if (static_cast<std::int64_t>(requests.size()) != this->requests()) {
      layer.prefix_k = layer.prefix_k.index_select(0, kept_requests);
      layer.prefix_v = layer.prefix_v.index_select(0, kept_requests);
    }
    layer.suffix_k = layer.suffix_k.index_select(0, kept_slots);
    layer.suffix_v = layer.suffix_v.index_select(0, kept_slots);
  }
  if (prefix_bias_.defined()) prefix_bias_ = prefix_bias_.index_select(0, kept_requests);
  std::vector<std::int64_t> lengths;
  for (const std::int64_t r : requests) lengths.push_back(prefix_lengths_[static_cast<std::size_t>(r)]);
  group_size_ = static_cast<std::int64_t>(slots.size() / requests.size());
  prefix_lengths_ = std::move(lengths);
}

}  // namespace beholder::vlm
