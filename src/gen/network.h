// The network: from a noisy picture, a time and a prompt to the clean picture it expects. All differentiable.
// Letters: B samples, C = 3 colours, F frames, S side in px, N patches, L prompt tokens, D width, E width of the prompts' encoder.
//
//   patches -> + positions -> blocks -> norm, modulated -> patches
//   block:  x += gate1 * attention(modulate(norm(x)));  x += gate2 * mlp(modulate(norm(x)))
//   attention: queries of the patches; keys and values of the patches and, by a matrix of the block's own, of the prompt's tokens
//   modulation: one map of (time + prompt) for all blocks, plus a table per block (adaLN-single, PixArt-alpha, arXiv 2310.00426)
//
// It predicts the clean picture and not the velocity: a patch of 8x8 px has as many values as the network is wide, and noise, unlike
// pictures, does not fit through fewer (JiT, arXiv 2511.13720). gen/flow.h makes the velocity of it.
#pragma once

#include <ATen/core/Tensor.h>

#include "gen/model.h"

namespace beholder::gen {

struct PromptTokens {
  at::Tensor ids_BL;   // int64, filled up with the end token
  at::Tensor mask_BL;  // bool: the prompt's own tokens, its end token included
};

struct PromptFeatures {
  at::Tensor tokens_BLE, pooled_BE;  // pooled: mean over the prompt's own tokens
  at::Tensor mask_BL;
};
PromptFeatures encode_prompts(const Model& model, const PromptTokens& prompts);

// x [B,C,F,S,S] in about [-1, 1], t [B] in [0, 1] (1: noise) -> the clean picture expected, as x.
at::Tensor predict_clean(const Model& model, const at::Tensor& x_BCFSS, const at::Tensor& t_B, const PromptFeatures& prompt);

// [B,C,F,S,S] <-> [B,N,values of a patch]
at::Tensor to_patches(const GeneratorConfig& config, const at::Tensor& x_BCFSS);
at::Tensor from_patches(const GeneratorConfig& config, const at::Tensor& patches_BNP);

}  // namespace beholder::gen
