#include "vlm/media_input.h"

#include <torch/types.h>

namespace beholder::vlm {

Media make_media(const media::Patches& patches) {
  const std::int64_t rows = patches.rows();
  Media medium;
  medium.patches = at::empty({rows, static_cast<std::int64_t>(patches.values.size()) / rows}, at::kFloat);
  std::copy(patches.values.begin(), patches.values.end(), medium.patches.data_ptr<float>());
  medium.t = patches.grid_t;
  medium.h = patches.grid_h;
  medium.w = patches.grid_w;
  return medium;
}

Media make_video(const media::Patches& patches, double second_per_grid) {
  Media medium = make_media(patches);
  medium.video = true;
  medium.second_per_grid = second_per_grid;
  return medium;
}

}  // namespace beholder::vlm
