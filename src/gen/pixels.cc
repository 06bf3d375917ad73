#include "gen/pixels.h"

#include <torch/types.h>

#include "core/error.h"
#include "core/format.h"
#include "data/frames.h"
#include "media/preprocess.h"

namespace beholder::gen {

at::Tensor from_images(std::span<const media::Image> frames) {
  std::vector<at::Tensor> parts;
  for (const media::Image& image : frames) {
    require_internal(image.width == frames[0].width && image.height == frames[0].height, "frames of one size");
    auto* data = const_cast<std::uint8_t*>(image.rgb.data());
    parts.push_back(torch::from_blob(data, {image.height, image.width, 3}, at::kByte).permute({2, 0, 1}).to(at::kFloat) / 127.5 - 1);
  }
  return torch::stack(parts, 1);
}

std::vector<media::Image> to_images(const at::Tensor& x_CFSS) {
  const at::Tensor bytes =
      ((x_CFSS.detach().to(at::kCPU, at::kFloat) + 1) * 127.5).round().clamp(0, 255).to(at::kByte).permute({1, 2, 3, 0}).contiguous();
  std::vector<media::Image> frames;
  for (std::int64_t f = 0; f < bytes.size(0); ++f) {
    const at::Tensor frame = bytes[f];
    const auto* data = frame.const_data_ptr<std::uint8_t>();
    frames.push_back({static_cast<int>(bytes.size(2)), static_cast<int>(bytes.size(1)), {data, data + frame.numel()}});
  }
  return frames;
}

at::Tensor load_medium(const data::MediaRef& ref, const GeneratorConfig& c) {
  const std::string& name = ref.is_frame_list() ? ref.frames.front() : ref.path;
  std::vector<media::Image> frames = data::load_frames(ref, c.is_video() ? static_cast<int>(c.num_frames) + 1 : 1);
  if (std::ssize(frames) != c.num_frames)
    throw Error(Code::kInvalidInput, name,
                format("has {}{} frames, the generator makes {}", std::ssize(frames) > c.num_frames ? "at least " : "", frames.size(),
                       c.num_frames),
                "train on media of the generator's length");
  const int side = static_cast<int>(c.image_size);
  for (media::Image& frame : frames)
    if (frame.width != side || frame.height != side) frame = media::resize_bicubic(frame, {side, side});
  return from_images(frames);
}

}  // namespace beholder::gen
