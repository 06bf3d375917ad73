#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "media/formats.h"
#include "media/image.h"
#include "media/orientation.h"

namespace beholder::media {
namespace {

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool starts(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix);
}

Header probe(Bytes bytes, std::string_view where) {
  const std::string_view kind = sniff_format(bytes);
  if (kind == "jpeg") return probe_jpeg(bytes, where);
  if (kind == "png") return probe_png(bytes, where);
  if (kind == "webp") return probe_webp(bytes, where);
  if (kind == "gif") return probe_gif(bytes, where);
  if (kind == "avif") return probe_avif(bytes, where);
  throw_unknown_format(bytes, where);
}

Image decode(Bytes bytes, std::string_view where, std::string_view format) {
  if (format == "jpeg") return decode_jpeg(bytes, where);
  if (format == "png") return decode_png(bytes, where);
  if (format == "webp") return decode_webp(bytes, where);
  if (format == "gif") return decode_gif(bytes, where);
  return decode_avif(bytes, where);
}

// The first bytes for a person: text as text, the rest as hex.
std::string first_bytes(std::string_view text) {
  const std::string_view head = text.substr(0, 24);
  const bool printable =
      std::all_of(head.begin(), head.end(), [](unsigned char c) { return (c >= 32 && c < 127) || c == '\n' || c == '\r' || c == '\t'; });
  if (!printable)
    return format("bytes {:02x}",
                  fmt::join(std::span(reinterpret_cast<const unsigned char*>(head.data()), std::min<std::size_t>(head.size(), 12)), " "));
  std::string line;
  for (const char c : head) line += c < 32 ? ' ' : c;
  return format("text \"{}\"", line);
}

struct Likeness {
  std::string_view prefix, fix;
};
// What people really hand over under a picture's name.
constexpr std::array<Likeness, 16> kLikenesses{{
    {"version https://git-lfs", "this is a Git LFS pointer; fetch the real file with 'git lfs pull'"},
    {"<!DOCTYPE", "this is a web page, probably an error page of a download; download the picture again"},
    {"<!doctype", "this is a web page, probably an error page of a download; download the picture again"},
    {"<html", "this is a web page, probably an error page of a download; download the picture again"},
    {"<svg", "SVG drawings are not read; render it to PNG first"},
    {"<?xml", "XML and SVG are not read; render it to PNG first"},
    {"{", "this is JSON, probably an error answer of a download; download the picture again"},
    {"%PDF", "PDF pages are not read; render the page to PNG first"},
    {"BM", "BMP is not read; convert it to PNG first"},
    {"II*", "TIFF is not read; convert it to PNG first"},
    {"MM", "TIFF is not read; convert it to PNG first"},
    {"8BPS", "Photoshop files are not read; export a PNG"},
    {"\xff\x0a", "JPEG XL is not read; convert it to PNG first"},
    {"\x1a\x45\xdf\xa3", "this is a Matroska/WebM video; give it as a video"},
    {"PK", "this is a ZIP archive; unpack it first"},
    {"\x1f\x8b", "this is a gzip archive; unpack it first"},
}};

std::string_view advice(std::string_view text) {
  for (const Likeness& like : kLikenesses)
    if (starts(text, like.prefix)) return like.fix;
  if (text.size() > 12 && text.substr(4, 4) == "ftyp") {
    const std::string_view brand = text.substr(8, 4);
    return starts(brand, "hei") || starts(brand, "hev") || brand == "mif1" ? "HEIC is not read; convert it to JPEG or PNG first"
                                                                           : "this looks like a video (MP4/MOV); give it as a video";
  }
  if (starts(text, "RIFF")) return "this is a RIFF file but not WebP; if it is a video, give it as a video";
  return "give a JPEG, PNG, WebP, GIF or AVIF picture, or an MP4, MOV, WebM, MKV or AVI video";
}

// AVIF by its ftyp box: major or a compatible brand is avif (still) or avis (sequence).
bool is_avif(std::string_view text) {
  if (text.size() < 16 || text.substr(4, 4) != "ftyp") return false;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  const std::size_t box = std::min(byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3), text.size());
  for (std::size_t at = 8; at + 4 <= box; at += at == 8 ? 8 : 4)  // the minor version stands between
    if (text.substr(at, 4) == "avif" || text.substr(at, 4) == "avis") return true;
  return false;
}

}  // namespace

std::string_view sniff_format(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (starts(text, "\xff\xd8\xff")) return "jpeg";
  if (starts(text, "\x89PNG\r\n\x1a\n")) return "png";
  if (starts(text, "GIF87a") || starts(text, "GIF89a")) return "gif";
  if (text.size() >= 12 && starts(text, "RIFF") && text.substr(8, 4) == "WEBP") return "webp";
  if (is_avif(text)) return "avif";
  return "";
}

void throw_unknown_format(Bytes bytes, std::string_view where) {
  const std::string_view text = as_text(bytes);
  if (text.empty()) throw Error(Code::kCorrupt, where, "the file is empty", "get the file again");
  // The first bytes of a known signature and then nothing: a cut file rather than an unknown one.
  for (const std::string_view signature : {"\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF89a", "GIF87a", "RIFF"})
    if (text.size() < 12 && (starts(signature, text) || starts(text, signature)))
      throw Error(Code::kCorrupt, where, format("the file ends after {} bytes", text.size()), "get the picture again");
  throw Error(Code::kUnsupported, where, format("not a picture or video in a known format: it starts with {}", first_bytes(text)),
              advice(text));
}

void throw_corrupt(std::string_view where, std::string_view format_name, std::string_view what) {
  throw Error(Code::kCorrupt, where, format("broken {} file: {}", format_name, what), "get the picture again, or leave it out");
}

void check_size(std::int64_t width, std::int64_t height, std::string_view format_name, std::string_view where, const DecodeLimits& limits) {
  if (width < 1 || height < 1) throw_corrupt(where, format_name, format("its size is {} x {}", width, height));
  if (width > limits.max_side || height > limits.max_side)
    throw Error(Code::kResource, where, format("{} x {} pixels: a side is over the limit of {}", width, height, limits.max_side),
                "shrink the picture first");
  if (width * height > limits.max_pixels)
    throw Error(Code::kResource, where, format("{} x {} pixels are over the limit of {}", width, height, limits.max_pixels),
                "shrink the picture first");
}

Image blank_image(std::int64_t width, std::int64_t height) {
  Image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  return image;
}

ImageInfo probe_image(Bytes bytes, std::string_view where) {
  const Header header = probe(bytes, where);
  check_size(header.width, header.height, header.format, where, {.max_pixels = INT64_MAX, .max_side = INT32_MAX});
  ImageInfo info{std::string(header.format), static_cast<int>(header.width), static_cast<int>(header.height), header.orientation,
                 header.frames};
  if (info.orientation >= 5) std::swap(info.width, info.height);
  return info;
}

Image decode_image(Bytes bytes, std::string_view where, const DecodeLimits& limits) {
  if (static_cast<std::int64_t>(bytes.size()) > limits.max_file_bytes)
    throw Error(Code::kResource, where, format("{} bytes are over the limit of {}", bytes.size(), limits.max_file_bytes),
                "give a smaller file");
  const Header header = probe(bytes, where);
  check_size(header.width, header.height, header.format, where, limits);
  return apply_orientation(decode(bytes, where, header.format), header.orientation);
}

Image load_image(const std::string& path, const DecodeLimits& limits) {
  const std::string bytes = read_file(path, static_cast<std::uint64_t>(limits.max_file_bytes));
  return decode_image(std::as_bytes(std::span(bytes)), path, limits);
}

}  // namespace beholder::media
