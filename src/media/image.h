// A decoded picture and how it comes from a file. All functions are pure; any thread may call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beholder::media {

struct Image {
  int width = 0, height = 0;      // px, after the EXIF orientation has been applied
  std::vector<std::uint8_t> rgb;  // height * width * 3, row by row
};

struct DecodeLimits {
  std::int64_t max_pixels = 178'956'970;  // Pillow's refusal limit; checked before any pixel is decoded
  int max_side = 65'500;
  std::int64_t max_file_bytes = 512LL << 20;
};

struct ImageInfo {
  std::string format;         // "jpeg", "png", "webp", "gif", "avif"
  int width = 0, height = 0;  // after orientation
  int orientation = 1;        // EXIF tag 0x0112
  int frames = 1;
};

// kCorrupt (truncated, broken), kUnsupported (unknown format), kResource (over the limits); `where` names the source.
Image decode_image(std::span<const std::byte> bytes, std::string_view where, const DecodeLimits& limits = {});
ImageInfo probe_image(std::span<const std::byte> bytes, std::string_view where);
Image load_image(const std::string& path, const DecodeLimits& limits = {});
std::string encode_png(const Image& image);

}  // namespace beholder::media
