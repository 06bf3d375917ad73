// The picture formats behind decode_image(), one file each. Internal to the room.
// probe_* reads headers only; decode_* gives the stored pixels, *before* the orientation is applied, and expects that
// probe_* has passed and that the size is within the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "media/image.h"

namespace beholder::media {

using Bytes = std::span<const std::byte>;

// Size as stored (before orientation), unlike ImageInfo.
struct Header {
  std::string_view format;
  std::int64_t width = 0, height = 0;
  int orientation = 1;
  int frames = 1;
};

Header probe_jpeg(Bytes bytes, std::string_view where);
Header probe_png(Bytes bytes, std::string_view where);
Header probe_webp(Bytes bytes, std::string_view where);
Header probe_gif(Bytes bytes, std::string_view where);
Header probe_avif(Bytes bytes, std::string_view where);

Image decode_jpeg(Bytes bytes, std::string_view where);
Image decode_png(Bytes bytes, std::string_view where);
Image decode_webp(Bytes bytes, std::string_view where);
Image decode_gif(Bytes bytes, std::string_view where);
Image decode_avif(Bytes bytes, std::string_view where);

// Format by the first bytes: "jpeg", "png", "webp", "gif", "avif", or "" when it is none of them.
std::string_view sniff_format(Bytes bytes);
// kUnsupported, or kCorrupt for an empty file, saying what the bytes look like.
[[noreturn]] void throw_unknown_format(Bytes bytes, std::string_view where);
// kCorrupt with the hint every broken picture needs.
[[noreturn]] void throw_corrupt(std::string_view where, std::string_view format, std::string_view what);

// Throws kResource when a picture of this size must not be decoded, kCorrupt when a side is 0.
void check_size(std::int64_t width, std::int64_t height, std::string_view format, std::string_view where, const DecodeLimits& limits);

// An image of this size with every byte 0.
Image blank_image(std::int64_t width, std::int64_t height);

}  // namespace beholder::media
