#include <utility>

#include "core/error.h"
#include "core/format.h"
#include "media/preprocess.h"
#include "media/resample.h"

namespace beholder::media {
namespace {

Image sized(int width, int height) {
  Image image;
  image.width = width;
  image.height = height;
  image.rgb.resize(std::size_t{3} * width * height);
  return image;
}

Image pass_horizontal(const Image& image, int width) {
  Image out = sized(width, image.height);
  resample_horizontal({image.rgb.data(), image.width, image.height}, bicubic_taps(image.width, width), out.rgb.data());
  return out;
}

Image pass_vertical(const Image& image, int height) {
  Image out = sized(image.width, height);
  resample_vertical({image.rgb.data(), image.width, image.height}, bicubic_taps(image.height, height), out.rgb.data());
  return out;
}

}  // namespace

Image resize_bicubic(const Image& image, Size to) {
  require_internal(image.width > 0 && image.height > 0 && image.rgb.size() == std::size_t{3} * image.width * image.height,
                   "resize_bicubic: the buffer does not fit the size");
  if (to.width < 1 || to.height < 1) throw Error(Code::kInvalidInput, "resize", format("to {} x {} pixels", to.width, to.height));
  if (to.width == image.width && to.height == image.height) return image;
  if (to.width == image.width) return pass_vertical(image, to.height);
  if (to.height == image.height) return pass_horizontal(image, to.width);
  // Pillow 13 starts with the pass that throws away more; the bytes in between are rounded, so the order shows.
  const std::int64_t less_h = std::int64_t{image.height} - to.height, less_w = std::int64_t{image.width} - to.width;
  if (less_h > 0 && less_h > 2 * less_w) return pass_horizontal(pass_vertical(image, to.height), to.width);
  return pass_vertical(pass_horizontal(image, to.width), to.height);
}

}  // namespace beholder::media
