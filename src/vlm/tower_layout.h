// How a family's vision tower is put together and what its parts are called: the rows in which the families differ.
#pragma once

#include "hf/config.h"

namespace beholder::vlm {

struct TowerLayout {
  bool layer_norm;                                    // in the blocks and the merger; else RMSNorm
  bool gated_mlp;                                     // down(silu(gate(x)) * up(x)); else fc2(act(fc1(x)))
  bool patch_bias;                                    // the patch embedding has one
  bool windowed;                                      // blocks outside fullatt_block_indexes attend within windows
  const char *fc1, *fc2;                              // of a block's MLP, where it is not gated
  const char *merger_norm, *merger_fc1, *merger_fc2;  // of the patch merger
};

const TowerLayout& tower_layout(hf::Family family);

}  // namespace beholder::vlm
