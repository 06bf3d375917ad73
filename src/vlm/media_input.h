// Preprocessed pixels as the tower takes them.
#pragma once

#include "media/preprocess.h"
#include "vlm/packed.h"

namespace beholder::vlm {

// `second_per_grid`: seconds that one temporal patch covers (temporal_patch_size / fps); only a video has it.
Media make_media(const media::Patches& patches);
Media make_video(const media::Patches& patches, double second_per_grid);

}  // namespace beholder::vlm
