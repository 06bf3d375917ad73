// A batch of a generator's training: media, the noise and time they are looked at through, and their prompts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gen/network.h"
#include "hf/tokenizer.h"
#include "train/flow_source.h"

namespace beholder::train {

struct FlowBatch {
  std::int64_t step = 0;
  at::Tensor clean, rejected;  // [B,C,F,S,S]; `rejected` only of pairs
  at::Tensor noise, t_B;       // a pair's media share them
  gen::PromptTokens prompts;
  std::vector<std::string> ids, problems;  // of those used; "id: why" of those that cannot be
  std::int64_t used_by_all = 0;            // examples that all ranks together use; of one rank its own

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  FlowBatch rows(std::int64_t begin, std::int64_t count) const;  // views
  std::string names() const;                                     // "a, b, c" for messages
};

struct FlowBatchOptions {
  std::int64_t size = 1;
  std::pair<std::int64_t, std::int64_t> part{0, size};  // of these, [first, second): a rank's
  std::uint64_t seed = 0;
  double prompt_dropout = 0;
  gen::TimeOptions time = {};
  bool even_times = false;  // (i + 0.5) / size instead of drawn ones: validation compares like with like
};

// The examples of update `step`; noise, time and dropout are keyed by (seed, step, index). Tensors lie where the model does.
FlowBatch make_flow_batch(const FlowSource& source, std::int64_t step, const FlowBatchOptions& options, const gen::Model& model,
                          const hf::Tokenizer& tokenizer);

}  // namespace beholder::train
