// What a media file is, as far as other rooms need to know without caring about formats.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/json.h"
#include "media/image.h"
#include "media/video.h"

namespace beholder::media {

enum class MediaKind { kImage, kVideo };

// Video: a video container, or an animated GIF, PNG or WebP. Anything else is an image, readable or not (decoding will tell).
MediaKind media_kind(std::span<const std::byte> bytes);

// Whether a file that begins with these bytes (a few hundred are enough) is a picture or a video of a known format.
bool looks_like_media(std::span<const std::byte> head);
// A path whose extension is one of a video container's; of an image format's that can be decoded.
bool is_video_path(const std::string& path);
bool is_image_path(const std::string& path);

// For an image {"format", "width", "height", "orientation", "frames": 1, "sha256_rgb"}: sizes and the hash are those of the pixels
// after orientation, row by row. For a video "frames" counts all frames, "sha256_rgb" covers the chosen ones one after the
// other, and "chosen_frames", "chosen_times_s" and "chosen_fps" are added. Throws what decoding throws.
Json media_info_json(const std::string& path, const VideoOptions& options = {});

// SHA-256 (hex) that names a decoded picture in caches: over its size and its pixels, so that plain pictures of different
// sizes differ.
std::string content_hash(const Image& image);

}  // namespace beholder::media
