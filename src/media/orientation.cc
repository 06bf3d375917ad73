#include "media/orientation.h"

#include <cstdint>
#include <cstring>
#include <utility>

namespace beholder::media {
namespace {

// Reads TIFF integers in the byte order of the block; out of bounds reads give 0.
class Tiff {
 public:
  explicit Tiff(std::span<const std::byte> block) : block_(block), big_(block.size() > 0 && block[0] == std::byte{'M'}) {}
  std::uint32_t u16(std::size_t at) const { return big_ ? byte(at) << 8 | byte(at + 1) : byte(at + 1) << 8 | byte(at); }
  std::uint32_t u32(std::size_t at) const { return big_ ? u16(at) << 16 | u16(at + 2) : u16(at + 2) << 16 | u16(at); }

 private:
  std::uint32_t byte(std::size_t at) const { return at < block_.size() ? static_cast<std::uint32_t>(block_[at]) : 0; }
  std::span<const std::byte> block_;
  bool big_;
};

constexpr std::uint32_t kOrientationTag = 0x0112, kShort = 3, kLong = 4;

}  // namespace

int exif_orientation(std::span<const std::byte> block) {
  if (block.size() >= 6 && std::memcmp(block.data(), "Exif\0\0", 6) == 0) block = block.subspan(6);
  if (block.size() < 14) return 1;
  const bool little = std::memcmp(block.data(), "II", 2) == 0, big = std::memcmp(block.data(), "MM", 2) == 0;
  const Tiff tiff(block);
  if (!(little || big) || tiff.u16(2) != 42) return 1;
  const std::size_t directory = tiff.u32(4);
  const std::uint32_t entries = tiff.u16(directory);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (entry + 12 > block.size()) break;
    if (tiff.u16(entry) != kOrientationTag) continue;
    const std::uint32_t type = tiff.u16(entry + 2);
    const std::uint32_t value = type == kShort ? tiff.u16(entry + 8) : type == kLong ? tiff.u32(entry + 8) : 1;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image apply_orientation(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool turned = orientation >= 5;  // 5..8 exchange width and height
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const std::int64_t w = image.width, h = image.height;
  Image out;
  out.width = static_cast<int>(turned ? h : w);
  out.height = static_cast<int>(turned ? w : h);
  out.rgb.resize(image.rgb.size());
  // Source pixel of output (x, y): first undo the transposition, then the mirrors (in source axes).
  const std::int64_t step_x = (turned ? (mirror_y ? -w : w) : (mirror_x ? -1 : 1)) * 3;
  const std::int64_t step_y = (turned ? (mirror_x ? -1 : 1) : (mirror_y ? -w : w)) * 3;
  const std::uint8_t* origin = image.rgb.data() + ((mirror_y ? (h - 1) * w : 0) + (mirror_x ? w - 1 : 0)) * 3;
  std::uint8_t* to = out.rgb.data();
  for (std::int64_t y = 0; y < out.height; ++y) {
    const std::uint8_t* from = origin + y * step_y;
    for (std::int64_t x = 0; x < out.width; ++x, from += step_x, to += 3) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  return out;
}

}  // namespace beholder::media
