#include "media/media_info.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/sha256.h"
#include "media/formats.h"

namespace beholder::media {
namespace {

bool has_video_signature(std::string_view text) {
  const auto at = [&](std::size_t from, std::string_view what) {
    return text.size() >= from + what.size() && text.substr(from, what.size()) == what;
  };
  if (at(4, "ftyp")) return !(at(8, "mif1") || at(8, "hei") || at(8, "hev"));  // those are HEIF pictures
  return at(4, "moov") || at(4, "mdat") || at(4, "wide") || at(4, "free") || at(0, "\x1a\x45\xdf\xa3") ||
         (at(0, "RIFF") && at(8, "AVI ")) || at(0, "OggS") || at(0, "FLV") || at(0, std::string_view("\0\0\1\xba", 4)) ||
         at(0, std::string_view("\0\0\1\xb3", 4)) || at(0, "\x30\x26\xb2\x75") || (at(0, "G") && at(188, "G"));
}

template <std::size_t N>
bool has_extension(const std::string& path, const std::array<std::string_view, N>& extensions) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

std::string pixels_hash(std::span<const Image> images) {
  if (images.size() == 1) return sha256_hex(std::as_bytes(std::span(images[0].rgb)));
  std::string all;
  for (const Image& image : images) all.append(reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size());
  return sha256_hex(all);
}

Json video_json(Bytes bytes, const std::string& path, const VideoOptions& options) {
  const VideoFrames video = decode_video(bytes, path, options);
  Json json{{"format", video.format}, {"width", video.frames[0].width}, {"height", video.frames[0].height}, {"orientation", 1}};
  json["frames"] = video.total_frames;
  json["sha256_rgb"] = pixels_hash(video.frames);
  json["chosen_frames"] = video.indices;
  json["chosen_times_s"] = video.times_s;
  json["chosen_fps"] = video.fps;
  return json;
}

}  // namespace

MediaKind media_kind(Bytes bytes) {
  const std::string_view format = sniff_format(bytes);
  if (format.empty())
    return has_video_signature({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) ? MediaKind::kVideo : MediaKind::kImage;
  if (format == "jpeg" || format == "avif") return MediaKind::kImage;
  try {
    return probe_image(bytes, "").frames > 1 ? MediaKind::kVideo : MediaKind::kImage;
  } catch (const Error&) {
    return MediaKind::kImage;
  }
}

bool looks_like_media(Bytes head) {
  return !sniff_format(head).empty() || has_video_signature({reinterpret_cast<const char*>(head.data()), head.size()});
}

bool is_video_path(const std::string& path) {
  constexpr std::array<std::string_view, 12> kVideo{".mp4", ".mov",  ".m4v", ".mkv", ".webm", ".avi",
                                                    ".mpg", ".mpeg", ".ogv", ".flv", ".wmv",  ".asf"};
  return has_extension(path, kVideo);
}

bool is_image_path(const std::string& path) {
  constexpr std::array<std::string_view, 7> kImage{".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".avif"};
  return has_extension(path, kImage);
}

Json media_info_json(const std::string& path, const VideoOptions& options) {
  const auto file = MappedFile::open(path);
  const Bytes bytes = file->bytes();
  if (media_kind(bytes) == MediaKind::kVideo) return video_json(bytes, path, options);
  const ImageInfo info = probe_image(bytes, path);
  const Image image = decode_image(bytes, path, options.limits);
  return {{"format", info.format},           {"width", image.width}, {"height", image.height},
          {"orientation", info.orientation}, {"frames", 1},          {"sha256_rgb", pixels_hash({&image, 1})}};
}

std::string content_hash(const Image& image) {
  std::string text = format("{}x{}\n", image.width, image.height);
  text.append(reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size());
  return sha256_hex(text);
}

}  // namespace beholder::media
