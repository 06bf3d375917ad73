// The language model's layers, written once for both ways through them: the packed forward and the one-token decode step
// differ only in the attention they hand in.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "vlm/layers.h"
#include "vlm/packed.h"
#include "vlm/vision_cache.h"

namespace beholder::vlm {

// (layer, q [T,H,d], k [T,K,d], v [T,K,d]), rotated -> mixed values [T, H*d].
using Attend = std::function<at::Tensor(std::int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)>;

// Text rotary angles of M-RoPE for positions [3, T].
Rotary text_rotary(const Model& model, const at::Tensor& positions_3T);
// What enters the layers: token embeddings with the media's features in the places of their pads, and what the tower's middle blocks add
// to these rows behind the first layers (DeepStack, arXiv 2406.04334).
struct Embedded {
  at::Tensor x_TD;
  at::Tensor media_rows{};              // [M]; undefined without deepstack features
  std::vector<at::Tensor> deepstack{};  // [M, D] for layer 0, 1, …
};
// `cache`: of media's features; null: none is used. With one there are no gradients and no taps.
Embedded embed(const Model& model, const Packed& packed, const Tap& tap = {}, VisionCache* cache = nullptr);
// All layers and the final norm: [T, D] -> [T, D]. With gradient checkpointing the backward pass calls a copy of `attend` again:
// where gradients are on, it must own what it uses, and `model` must live until then.
at::Tensor run_layers(const Model& model, const Embedded& input, const Rotary& rotary, const Attend& attend, const Tap& tap = {});

}  // namespace beholder::vlm
