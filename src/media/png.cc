// PNG through libpng's low-level interface, to the pixels of Pillow's convert("RGB"): alpha is dropped, not composited;
// no gamma is applied. 16-bit colour keeps its high byte, as Pillow's does; 16-bit grey without alpha is scaled to 8 bits,
// where Pillow clips at 255 and turns nearly everything white.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "media/formats.h"
#include "media/orientation.h"

namespace beholder::media {
namespace {

// libpng's errors jump back to the latest guarded call; no object with a destructor may live in between.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const unsigned char* data = nullptr;
  std::size_t size = 0, at = 0;
  std::jmp_buf escape;
  char text[120] = "";

  PngReader() = default;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->text, sizeof reader->text, "%s", text);
  std::longjmp(reader->escape, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->size - reader->at) png_error(png, "it ends in the middle of the picture");
  std::memcpy(to, reader->data + reader->at, count);
  reader->at += count;
}

bool read_header(PngReader* r) {
  if (setjmp(r->escape)) return false;
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
  r->info = r->png ? png_create_info_struct(r->png) : nullptr;
  if (!r->info) return false;
  png_set_read_fn(r->png, r, on_read);
  png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);                       // our own limits are checked after the header
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // no compressed text or profile is unpacked
  png_read_info(r->png, r->info);
  return true;
}

void ask_for_rgb8(PngReader* r) {
  const int colour = png_get_color_type(r->png, r->info);
  if (png_get_bit_depth(r->png, r->info) == 16) {
    if (colour == PNG_COLOR_TYPE_GRAY)
      png_set_scale_16(r->png);
    else
      png_set_strip_16(r->png);
  }
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
  if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(r->png);
  if (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(r->png);
  png_set_strip_alpha(r->png);
}

bool read_pixels(PngReader* r, unsigned char** rows, std::size_t row_bytes) {
  if (setjmp(r->escape)) return false;
  ask_for_rgb8(r);
  png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  if (png_get_rowbytes(r->png, r->info) != row_bytes) png_error(r->png, "unexpected layout of its rows");
  png_read_image(r->png, rows);
  return true;
}

std::uint32_t big32(Bytes bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint32_t>(bytes[at + i]);
  return value;
}

// What stands in chunks beside the picture: orientation (eXIf, before or after the pixels) and APNG's frame count (acTL).
void read_side_chunks(Bytes bytes, Header& header) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = big32(bytes, at);
    if (length > bytes.size() - at - 12) return;
    const Bytes body = bytes.subspan(at + 8, length);
    if (std::memcmp(&bytes[at + 4], "eXIf", 4) == 0) header.orientation = exif_orientation(body);
    if (std::memcmp(&bytes[at + 4], "acTL", 4) == 0 && length >= 8) header.frames = static_cast<int>(std::min(big32(body, 0), 0x7fffffffu));
    at += length + 12;
  }
}

void open_png(PngReader& reader, Bytes bytes, std::string_view where) {
  reader.data = reinterpret_cast<const unsigned char*>(bytes.data());
  reader.size = bytes.size();
  if (!read_header(&reader)) throw_corrupt(where, "PNG", reader.text[0] ? reader.text : "libpng could not start");
}

}  // namespace

Header probe_png(Bytes bytes, std::string_view where) {
  PngReader reader;
  open_png(reader, bytes, where);
  Header header{"png", png_get_image_width(reader.png, reader.info), png_get_image_height(reader.png, reader.info)};
  read_side_chunks(bytes, header);
  header.frames = std::max(header.frames, 1);
  return header;
}

Image decode_png(Bytes bytes, std::string_view where) {
  PngReader reader;
  open_png(reader, bytes, where);
  Image image = blank_image(png_get_image_width(reader.png, reader.info), png_get_image_height(reader.png, reader.info));
  const std::size_t row_bytes = std::size_t{3} * image.width;
  std::vector<unsigned char*> rows(image.height);
  for (int y = 0; y < image.height; ++y) rows[y] = image.rgb.data() + row_bytes * y;
  if (!read_pixels(&reader, rows.data(), row_bytes)) throw_corrupt(where, "PNG", reader.text);
  return image;
}

}  // namespace beholder::media
