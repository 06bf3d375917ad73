#include "train/exchange.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>

#include "core/profile.h"

namespace beholder::train {
namespace {

// A bucket's most, in elements of 4 bytes: 16 MiB, and so small that a small model still has some that leave early.
std::int64_t bucket_elements(std::int64_t total) {
  return std::clamp<std::int64_t>(total / 16, 64 << 10, 4 << 20);
}

// Where a parameter comes in the forward pass: stage and layer. The names' own order has a judge's tower, whose gradients come last, behind
// the decoder, a generator's text and time, which every block hears, behind its blocks, and layer 10 before layer 2.
std::pair<int, int> forward_place(const std::string& name) {
  constexpr std::string_view kLists[] = {"text.blocks.", "visual.blocks.", "blocks.", "model.layers."};
  for (int list = 0; list < static_cast<int>(std::size(kLists)); ++list)
    if (name.starts_with(kLists[list])) return {2 * list + 1, std::atoi(name.c_str() + kLists[list].size())};
  if (name.starts_with("text.norm") || name.starts_with("prompt.")) return {2, 0};
  if (name.starts_with("visual.")) return {name.find("embed") != name.npos ? 0 : 4, 0};
  for (const char* last : {"model.", "lm_head", "pixels.", "final."})
    if (name.starts_with(last) && name.find("embed") == name.npos) return {8, 0};
  return {0, 0};
}

// Indices of the parameters, as the backward pass comes to them.
std::vector<std::size_t> backward_order(const std::vector<NamedParam>& params) {
  std::vector<std::size_t> order(params.size());
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return forward_place(params[i].name); });
  return order;
}

}  // namespace

class GradientExchange::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientExchange& exchange, std::size_t param) : exchange_(exchange), param_(param) {}
  void operator()(const torch::autograd::Variable&) override { exchange_.ready(param_); }

 private:
  GradientExchange& exchange_;
  std::size_t param_;
};

GradientExchange::GradientExchange(dist::ProcessGroup& group, const std::vector<NamedParam>& params, bool gradient_checkpointing)
    : group_(group), owners_(params.size(), 0), bucket_of_(params.size(), 0), has_gradient_(params.size(), 0) {
  std::int64_t total = 0, before = 0;
  for (const NamedParam& param : params) {
    values_.push_back(param.value);
    total += param.value.numel();
  }
  if (group_.is_alone()) return;
  const std::int64_t most = bucket_elements(total);
  for (const std::size_t i : backward_order(params)) {
    const std::int64_t n = params[i].value.numel(), middle = before + n / 2;
    const int owner =
        static_cast<int>(std::min<std::int64_t>(group_.size() - 1, middle * group_.size() / std::max<std::int64_t>(1, total)));
    before += n;
    if (buckets_.empty() || buckets_.back().owner != owner || buckets_.back().elements + n > most)
      buckets_.push_back({.params = {}, .owner = owner, .elements = 0, .missing = 0, .flat = {}, .parcel = {}});
    buckets_.back().params.push_back(i);
    buckets_.back().elements += n;
    owners_[i] = owner;
    bucket_of_[i] = buckets_.size() - 1;
  }
  for (std::size_t i = 0; i < params.size(); ++i)
    if (!gradient_checkpointing || !params[i].name.starts_with("visual."))
      torch::autograd::impl::set_post_acc_grad_hooks(params[i].value, std::make_unique<Hook>(*this, i));
}

GradientExchange::~GradientExchange() {
  for (Bucket& bucket : buckets_) {
    try {
      bucket.parcel.wait();  // it reads and writes the bucket
    } catch (const std::exception&) {
    }
  }
  if (group_.is_alone()) return;
  for (const at::Tensor& value : values_) torch::autograd::impl::set_post_acc_grad_hooks(value, nullptr);
}

std::vector<bool> GradientExchange::mine() const {
  std::vector<bool> out;
  for (std::size_t i = 0; !group_.is_alone() && i < owners_.size(); ++i) out.push_back(is_mine(i));
  return out;
}

void GradientExchange::begin() {
  for (Bucket& bucket : buckets_) bucket.missing = bucket.params.size();
  sent_ = 0;
  under_way_ = true;
}

void GradientExchange::ready(std::size_t param) {
  if (!under_way_) return;
  Bucket& bucket = buckets_[bucket_of_[param]];
  --bucket.missing;
  if (bucket.missing == 0) send_complete();
}

void GradientExchange::send_complete() {
  while (sent_ < buckets_.size() && buckets_[sent_].missing == 0) send(buckets_[sent_++]);
}

void GradientExchange::send(Bucket& bucket) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (const std::size_t i : bucket.params) {
    const at::Tensor& grad = values_[i].grad();
    has_gradient_[i] = grad.defined() ? 1 : 0;
    parts.push_back((grad.defined() ? grad : at::zeros_like(values_[i])).reshape({-1}));
  }
  bucket.flat = at::cat(parts);
  parts.clear();
  for (const std::size_t i : bucket.params) values_[i].mutable_grad().reset();  // one of the two is enough
  bucket.parcel = dist::Parcel([&] { return group_.reduce(bucket.flat, bucket.owner); });
}

void GradientExchange::finish() {
  if (group_.is_alone()) return;
  const ProfileSpan span("wait for gradients");
  const c10::NoGradGuard no_grad;
  if (!under_way_) begin();
  under_way_ = false;
  for (Bucket& bucket : buckets_) bucket.missing = 0;
  send_complete();
  for (Bucket& bucket : buckets_) traffic_.arrived(bucket.parcel);
  at::Tensor anywhere = at::from_blob(has_gradient_.data(), {std::ssize(has_gradient_)}, at::kFloat).clone();
  group_.sum(anywhere);
  const float* has = anywhere.const_data_ptr<float>();
  for (Bucket& bucket : buckets_) {
    std::int64_t at = 0;
    for (const std::size_t i : bucket.params) {
      const std::int64_t n = values_[i].numel();
      if (bucket.owner == group_.rank() && has[i] > 0)
        values_[i].mutable_grad() = bucket.flat.narrow(0, at, n).view(values_[i].sizes());
      else
        values_[i].mutable_grad().reset();
      at += n;
    }
    bucket.flat.reset();
  }
}

void GradientExchange::share() {
  if (group_.is_alone()) return;
  const ProfileSpan span("share parameters");
  const c10::NoGradGuard no_grad;
  for (Bucket& bucket : buckets_) {
    std::vector<at::Tensor> parts;
    for (const std::size_t i : bucket.params) parts.push_back(values_[i].detach().reshape({-1}));
    bucket.flat = bucket.owner == group_.rank() ? at::cat(parts)
                                                : at::empty({bucket.elements}, values_[bucket.params[0]].options().requires_grad(false));
    bucket.parcel = dist::Parcel([&] { return group_.start_broadcast(bucket.flat, bucket.owner); });
  }
  for (Bucket& bucket : buckets_) {
    traffic_.arrived(bucket.parcel);
    std::int64_t at = 0;
    for (const std::size_t i : bucket.params) {
      at::Tensor value = values_[i].detach();
      if (bucket.owner != group_.rank()) value.copy_(bucket.flat.narrow(0, at, value.numel()).view(value.sizes()));
      at += value.numel();
    }
    bucket.flat.reset();
  }
}

}  // namespace beholder::train
