// The first frame of a GIF through giflib, on the canvas as Pillow lays it out: around a frame that is smaller than the
// canvas lies the transparent colour's palette entry, or entry 0.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "core/format.h"
#include "media/formats.h"

namespace beholder::media {
namespace {

std::size_t u8(Bytes bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes[at]);
}
std::int64_t little16(Bytes bytes, std::size_t at) {
  return static_cast<std::int64_t>(u8(bytes, at) | u8(bytes, at + 1) << 8);
}

// Position after a chain of sub-blocks, or bytes.size() when the file ends inside.
std::size_t skip_sub_blocks(Bytes bytes, std::size_t at) {
  while (at < bytes.size() && u8(bytes, at) != 0) at += u8(bytes, at) + 1;
  return std::min(at + 1, bytes.size());
}

std::size_t palette_bytes(std::size_t flags) {
  return flags & 0x80 ? std::size_t{3} << ((flags & 7) + 1) : 0;
}

// Counts the image blocks and widens the canvas to hold the first one.
void walk_blocks(Bytes bytes, Header& header) {
  header.frames = 0;
  std::size_t at = 13 + palette_bytes(u8(bytes, 10));
  while (at < bytes.size()) {
    const std::size_t kind = u8(bytes, at);
    if (kind == '!' && at + 2 < bytes.size()) {
      at = skip_sub_blocks(bytes, at + 2);
    } else if (kind == ',' && at + 10 < bytes.size()) {
      if (header.frames++ == 0) {
        header.width = std::max(header.width, little16(bytes, at + 1) + little16(bytes, at + 5));
        header.height = std::max(header.height, little16(bytes, at + 3) + little16(bytes, at + 7));
      }
      at = skip_sub_blocks(bytes, at + 11 + palette_bytes(u8(bytes, at + 9)));
    } else {
      return;
    }
  }
}

struct Source {
  Bytes bytes;
  std::size_t at = 0;
};

int on_read(GifFileType* gif, GifByteType* to, int count) {
  auto* source = static_cast<Source*>(gif->UserData);
  const std::size_t n = std::min(static_cast<std::size_t>(count), source->bytes.size() - source->at);
  if (n > 0) std::memcpy(to, source->bytes.data() + source->at, n);
  source->at += n;
  return static_cast<int>(n);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, Close>;

[[noreturn]] void fail(const Gif& gif, int code, std::string_view where) {
  const char* text = GifErrorString(gif ? gif->Error : code);
  throw_corrupt(where, "GIF", text ? text : "it ends before its first picture");
}

// Reads an extension; a graphic control block gives the transparent palette index (-1: none).
bool read_extension(GifFileType* gif, int& transparent) {
  int code = 0;
  GifByteType* block = nullptr;
  if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return false;
  if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4) transparent = block[1] & 1 ? block[4] : -1;
  while (block)
    if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return false;
  return true;
}

// Goes to the first image block. False when the file ends or breaks before it.
bool find_first_image(GifFileType* gif, int& transparent) {
  GifRecordType record = UNDEFINED_RECORD_TYPE;
  while (DGifGetRecordType(gif, &record) != GIF_ERROR) {
    if (record == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) != GIF_ERROR;
    if (record != EXTENSION_RECORD_TYPE || !read_extension(gif, transparent)) return false;
  }
  return false;
}

using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

// The frame's colours; without any palette the indices are greys. Entries the file does not have are black.
Palette palette_of(const GifFileType* gif) {
  Palette palette{};
  const ColorMapObject* map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
  for (int i = 0; i < 256; ++i) {
    const auto grey = static_cast<std::uint8_t>(i);
    if (!map)
      palette[i] = {grey, grey, grey};
    else if (i < map->ColorCount)
      palette[i] = {map->Colors[i].Red, map->Colors[i].Green, map->Colors[i].Blue};
  }
  return palette;
}

// The order in which the rows of an interlaced frame are stored.
std::vector<int> row_order(int height, bool interlaced) {
  constexpr std::array<std::array<int, 2>, 4> kPasses{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  std::vector<int> rows;
  rows.reserve(static_cast<std::size_t>(height));
  if (!interlaced)
    for (int y = 0; y < height; ++y) rows.push_back(y);
  else
    for (const auto& [first, step] : kPasses)
      for (int y = first; y < height; y += step) rows.push_back(y);
  return rows;
}

}  // namespace

Header probe_gif(Bytes bytes, std::string_view where) {
  if (bytes.size() < 13) throw_corrupt(where, "GIF", "it ends inside its header");
  Header header{"gif", little16(bytes, 6), little16(bytes, 8)};
  walk_blocks(bytes, header);
  if (header.frames == 0) throw_corrupt(where, "GIF", "it has no picture in it");
  return header;
}

Image decode_gif(Bytes bytes, std::string_view where) {
  Source source{bytes};
  int code = 0;
  const Gif gif(DGifOpen(&source, on_read, &code));
  int transparent = -1;
  if (!gif || !find_first_image(gif.get(), transparent)) fail(gif, code, where);
  const GifImageDesc& frame = gif->Image;
  const Header header = probe_gif(bytes, where);
  if (frame.Left + frame.Width > header.width || frame.Top + frame.Height > header.height || frame.Width < 1 || frame.Height < 1)
    throw_corrupt(where, "GIF", format("its first frame is {} x {} pixels at {}, {}", frame.Width, frame.Height, frame.Left, frame.Top));
  Image image = blank_image(header.width, header.height);
  const Palette palette = palette_of(gif.get());
  const auto& around = palette[transparent >= 0 ? transparent : 0];
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = around[i % 3];
  std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
  for (const int y : row_order(frame.Height, frame.Interlace)) {
    if (DGifGetLine(gif.get(), line.data(), frame.Width) == GIF_ERROR) fail(gif, code, where);
    std::uint8_t* to = image.rgb.data() + 3 * ((std::size_t{1} * frame.Top + y) * image.width + frame.Left);
    for (const GifPixelType index : line) to = std::copy_n(palette[index].data(), 3, to);
  }
  return image;
}

}  // namespace beholder::media
