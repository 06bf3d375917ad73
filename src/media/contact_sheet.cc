#include "media/contact_sheet.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/format.h"
#include "media/preprocess.h"

namespace beholder::media {
namespace {

constexpr int kGap = 4;
constexpr std::uint8_t kBackground = 245;

Size fit(const Image& image, int cell_px) {
  const double scale = static_cast<double>(cell_px) / std::max(image.width, image.height);
  const auto side = [&](int px) { return std::clamp(static_cast<int>(std::lround(px * scale)), 1, cell_px); };
  return {side(image.width), side(image.height)};
}

void paste(const Image& image, int left, int top, Image& onto) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.rgb.data() + std::size_t{3} * image.width * y, std::size_t{3} * image.width,
                onto.rgb.data() + 3 * ((std::size_t{1} * top + y) * onto.width + left));
}

}  // namespace

Image contact_sheet(std::span<const Image> images, int columns, int cell_px) {
  if (images.empty() || columns < 1 || cell_px < 8 || cell_px > 4096)
    throw Error(Code::kInvalidInput, "contact sheet", format("{} pictures in {} columns of {} pixels", images.size(), columns, cell_px));
  const int count = static_cast<int>(images.size());
  const int across = std::min(columns, count), down = (count + across - 1) / across;
  Image sheet;
  sheet.width = across * (cell_px + kGap) + kGap;
  sheet.height = down * (cell_px + kGap) + kGap;
  sheet.rgb.assign(std::size_t{3} * sheet.width * sheet.height, kBackground);
  for (int i = 0; i < count; ++i) {
    const Size size = fit(images[i], cell_px);
    const int left = kGap + i % across * (cell_px + kGap) + (cell_px - size.width) / 2;
    const int top = kGap + i / across * (cell_px + kGap) + (cell_px - size.height) / 2;
    paste(resize_bicubic(images[i], size), left, top, sheet);
  }
  return sheet;
}

}  // namespace beholder::media
