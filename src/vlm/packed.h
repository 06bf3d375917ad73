// The one packed forward. A batch is a forest of segments: a segment's tokens see themselves (causally) and every token of
// its ancestors. Prefill, scoring, the listener, checklist questions and the training update are all calls of it: G
// completions of one prompt are G segments whose parent is the prompt, so prompt and pictures are computed once.
//
// Shape letters: T tokens of all segments, D hidden size, V vocabulary, N patches, M features after the merger.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vlm/model.h"

namespace beholder::vlm {

// One image or video, ready for the vision tower.
struct Media {
  at::Tensor patches;                // [N, 3*temporal_patch*patch^2] float32
  std::int64_t t = 1, h = 0, w = 0;  // grid in patches; N = t*h*w
  bool video = false;
  double second_per_grid = 1.0;      // seconds covered by one temporal patch (video)
  std::vector<double> times_s = {};  // when each temporal patch is shown, from the first frame (video)
  std::string key = {};              // names the content, for caches; empty: unknown
};

struct Segment {
  std::vector<std::int64_t> ids;  // pads already expanded
  std::vector<Media> media;       // in the order of the pads; only root segments may have media. One run of pads per medium, or per
                                  // temporal patch of a video where the family sets timestamps between them
  int parent = -1;                // index of an earlier segment, or -1; in a child a pad is an ordinary token
};

struct Span {
  std::int64_t begin = 0, length = 0;
  int parent = -1;
};

struct Packed {
  at::Tensor ids_T;                         // int64
  at::Tensor positions_3T;                  // int64; M-RoPE time, height, width
  std::vector<Span> spans;                  // one per segment
  std::vector<std::int64_t> next_position;  // per segment: the position its next token (or a child's first) would take
  std::vector<Media> images, videos;        // in token order
  at::Tensor image_rows, video_rows;        // rows whose embedding is a feature of the tower, in the order of the features

  // Row of hidden states that predicts token i of segment s: the token before it, or the parent's last one.
  // -1 for the first token of a root.
  std::int64_t predictor(int segment, std::int64_t i) const;
};

// Checks that pads and features match (kInvalidInput says which segment, how many of each).
Packed pack(const hf::ModelConfig& config, std::span<const Segment> segments);

// Called with intermediate results when given: "vision_image", "vision_block_image_0", "hidden_0", …
using Tap = std::function<void(std::string_view name, const at::Tensor& value)>;

// What the tower gives the decoder, for media in order.
struct VisionFeatures {
  at::Tensor merged;                  // [M, D], in place of the embeddings of the pads
  std::vector<at::Tensor> deepstack;  // [M, D] each, added to the pads' rows behind decoder layer 0, 1, … (Qwen3-VL)
};
VisionFeatures vision_forward(const Model& model, std::span<const Media> media, const Tap& tap = {});

// Hidden states after the final norm [T, D]. Differentiable when the parameters require gradients.
at::Tensor forward(const Model& model, const Packed& packed, const Tap& tap = {});

// Rows of logits that are held at once, where they are not the result: 16 MB in float32.
std::int64_t head_chunk_rows(std::int64_t vocabulary);
// logits[i] = head(hidden[rows[i]]), float32 [rows, V].
at::Tensor logits(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows);

// The same for a few tokens only: [rows, ids]. What the decision is read from; differentiable.
at::Tensor choice_logits(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows, std::span<const std::int64_t> ids);

// log p(targets[i] | …) / at `temperature`, float32 [rows]; differentiable. Works through the vocabulary in chunks of rows:
// [T, V] is never held, forward or backward. `entropies`, where given, gets the entropy in nats of the distribution at each row, float32
// [rows], without a gradient.
at::Tensor token_logprobs(const Model& model, const at::Tensor& hidden_TD, const at::Tensor& rows, const at::Tensor& targets,
                          double temperature = 1.0, at::Tensor* entropies = nullptr);

}  // namespace beholder::vlm
