// From pixels to the vision tower's input, as Qwen2VLImageProcessor (the slow, Pillow one) computes it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "media/image.h"

namespace beholder::media {

struct PatchConfig {  // preprocessor_config.json
  int patch_size = 14, temporal_patch_size = 2, merge_size = 2;
  std::int64_t min_pixels = 56 * 56, max_pixels = 28LL * 28 * 1280;  // of a picture, or of each frame of a video
  // Qwen3-VL's video_preprocessor_config.json budgets all frames of a video together; 0: it has none.
  std::int64_t video_min_pixels = 0, video_max_pixels = 0;
  std::array<double, 3> image_mean{0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> image_std{0.26862954, 0.26130258, 0.27577711};
  bool operator==(const PatchConfig&) const = default;
};
PatchConfig read_patch_config(const std::string& dir);  // of a checkpoint

struct Size {
  int width = 0, height = 0;
};

// Rounds both sides to multiples of `factor` (Python's round: half to even) within [min_pixels, max_pixels], keeping the
// aspect ratio. kInvalidInput beyond 200:1.
Size smart_resize(Size size, int factor, std::int64_t min_pixels, std::int64_t max_pixels);

// The size of a video's frames: as a picture's, or, where the checkpoint budgets the frames together, by the pixels of all of them
// (as Qwen3VLVideoProcessor computes it); max_pixels still bounds each frame.
Size video_size(Size size, int frames, const PatchConfig& config);

// Pillow 13's Image.resize(BICUBIC), to the bit.
Image resize_bicubic(const Image& image, Size to);

struct Patches {
  std::vector<float> values;               // [grid_t*grid_h*grid_w, 3*temporal_patch_size*patch_size^2]
  int grid_t = 0, grid_h = 0, grid_w = 0;  // in patches
  std::int64_t rows() const { return std::int64_t{grid_t} * grid_h * grid_w; }
  std::int64_t features(int merge_size) const { return rows() / (merge_size * merge_size); }
};

// One image, repeated to fill the temporal patch.
Patches patchify(const Image& image, const PatchConfig& config);
// The frames of a video, all of one size; an odd last frame is repeated.
Patches patchify_video(std::span<const Image> frames, const PatchConfig& config);

}  // namespace beholder::media
