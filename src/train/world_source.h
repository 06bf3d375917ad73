// Supervised examples from the embedded world, made on the fly: a picture or several, the reference thought that describes them,
// and the naive rule's answer (fewest faults). Which kinds of question appear when is the curriculum of WorldDataConfig.
#pragma once

#include <cstdint>

#include "train/sft_config.h"
#include "train/sft_source.h"
#include "world/item.h"

namespace beholder::train {

class WorldSource : public SftSource {
 public:
  // `seed` decides which items are drawn. The training split draws new ones for every step; any other split is a fixed batch per
  // stage: its examples do not depend on the step otherwise. `spec` must outlive this.
  WorldSource(const WorldDataConfig& config, world::Split split, const judge::JudgeSpec& spec, std::uint64_t seed);
  SftExample example(std::int64_t step, std::int64_t index) const override;

  // The stage that update `step` (from 0) belongs to.
  std::size_t stage(std::int64_t step) const;

 private:
  WorldDataConfig config_;
  world::Split split_;
  const judge::JudgeSpec& spec_;
  std::uint64_t seed_;
};

}  // namespace beholder::train
