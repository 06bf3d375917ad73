// What a generator learns from: prompts with a picture or video, or with a better and a worse one. An example is a pure function of
// (source, step, index), so a resumed run sees what the uninterrupted one would have seen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/record.h"
#include "gen/config.h"
#include "train/epoch_order.h"
#include "train/flow_config.h"
#include "world/item.h"

namespace beholder::train {

struct FlowExample {
  std::string id, prompt;
  at::Tensor clean, rejected;  // [C,F,S,S]; `rejected` only of pairs, whose better medium is `clean`
  std::string problem;         // not empty: this item cannot be used and says why; the tensors are unset
};

class FlowSource {
 public:
  virtual ~FlowSource() = default;
  virtual FlowExample example(std::int64_t step, std::int64_t index) const = 0;
  virtual std::int64_t epoch_examples() const { return 0; }  // 0: endless
  // The first `n` different prompts, or fewer where there are not so many.
  virtual std::vector<std::string> prompts(std::int64_t n) const = 0;
};

struct WorldFlowOptions {
  std::int64_t seed = 1;
  double fault_share = 0.5;
  world::Split split = world::Split::kTrain;
  std::int64_t batch_size = 1;  // examples of one update; steps do not repeat scenes
};
// Scenes of the embedded world at the generator's size: pictures, or its videos of 8 frames.
std::unique_ptr<FlowSource> world_flow_source(const WorldFlowOptions& options, const gen::GeneratorConfig& config);

struct RecordFlowOptions {
  std::string path;             // JSON lines of records
  bool pairs = false;           // one example per preferred pair, else one per medium
  std::int64_t batch_size = 1;  // examples of one update
  std::uint64_t seed = 0;
  bool shuffle = true;  // false: file order from the first, for every step (validation)
};
// Lines that cannot be used (no prompt, no target, a tie) are warned of and counted. kInvalidInput when none is left.
std::unique_ptr<FlowSource> record_flow_source(const RecordFlowOptions& options, const gen::GeneratorConfig& config);

}  // namespace beholder::train
