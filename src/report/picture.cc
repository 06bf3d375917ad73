#include "report/picture.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "media/media_info.h"
#include "media/preprocess.h"
#include "media/video.h"
#include "report/html.h"

namespace beholder::report {
namespace {

Frame scaled(const media::Image& image, int side) {
  const double scale = std::min(1.0, static_cast<double>(side) / std::max(image.width, image.height));
  const auto shrink = [&](int length) { return std::max(1, static_cast<int>(std::lround(length * scale))); };
  const media::Size size{shrink(image.width), shrink(image.height)};
  const bool same = size.width == image.width && size.height == image.height;
  return {data_uri("image/png", media::encode_png(same ? image : media::resize_bicubic(image, size))), size.width, size.height};
}

std::vector<media::Image> first_middle_last(std::span<const std::byte> bytes, const std::string& path) {
  media::VideoOptions options;
  options.fps = 1000;  // more than a video has, so that the frames are spread evenly
  options.max_frames = 3;
  return media::decode_video(bytes, path, options).frames;
}

Picture load(std::span<const std::byte> bytes, const std::string& path, int side) {
  Picture out;
  out.video = media::media_kind(bytes) == media::MediaKind::kVideo;
  const std::vector<media::Image> images =
      out.video ? first_middle_last(bytes, path) : std::vector<media::Image>{media::decode_image(bytes, path)};
  const int frame_side = images.size() == 1 ? side : std::max(1, static_cast<int>(side / std::sqrt(static_cast<double>(images.size()))));
  for (const media::Image& image : images) out.frames.push_back(scaled(image, frame_side));
  out.thumb = scaled(images[images.size() / 2], kThumbSide);
  return out;
}

template <class Load>
Picture picture_or_error(Load&& load) {
  try {
    return load();
  } catch (const Error& e) {
    if (e.code() == Code::kInternal || e.code() == Code::kInterrupted) throw;
    Picture out;
    out.error = e.problem();
    return out;
  }
}

}  // namespace

Picture load_picture(const std::string& path, int side) {
  return picture_or_error([&] {
    const std::string file = read_file(path, static_cast<std::uint64_t>(media::DecodeLimits{}.max_file_bytes));
    return load(std::as_bytes(std::span(file)), path, side);
  });
}

Picture load_picture(std::span<const std::byte> bytes, const std::string& name, int side) {
  return picture_or_error([&] { return load(bytes, name, side); });
}

int fitting_side(int side, std::size_t pictures) {
  const double fit = side * std::sqrt(24.0 / static_cast<double>(std::max<std::size_t>(pictures, 24)));
  return std::max(std::min(side, 64), static_cast<int>(fit));
}

}  // namespace beholder::report
