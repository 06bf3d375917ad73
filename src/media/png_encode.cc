#include <png.h>

#include <csetjmp>

#include "core/error.h"
#include "core/format.h"
#include "media/image.h"

namespace beholder::media {
namespace {

struct Writer {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string out;
  std::jmp_buf escape;

  Writer() = default;
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

[[noreturn]] void on_write_error(png_structp png, png_const_charp) {
  std::longjmp(static_cast<Writer*>(png_get_error_ptr(png))->escape, 1);
}
void ignore_warning(png_structp, png_const_charp) {}

void on_write(png_structp png, png_bytep data, std::size_t size) {
  static_cast<Writer*>(png_get_io_ptr(png))->out.append(reinterpret_cast<const char*>(data), size);
}
void on_flush(png_structp) {}

bool write(Writer* w, const unsigned char* rgb, int width, int height) {
  if (setjmp(w->escape)) return false;
  w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_write_error, ignore_warning);
  w->info = w->png ? png_create_info_struct(w->png) : nullptr;
  if (!w->info) return false;
  png_set_write_fn(w->png, w, on_write, on_flush);
  png_set_IHDR(w->png, w->info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(w->png, 6);
  png_write_info(w->png, w->info);
  for (int y = 0; y < height; ++y) png_write_row(w->png, rgb + std::size_t{3} * width * y);
  png_write_end(w->png, w->info);
  return true;
}

}  // namespace

std::string encode_png(const Image& image) {
  require_internal(image.width > 0 && image.height > 0 && image.rgb.size() == std::size_t{3} * image.width * image.height,
                   "encode_png: the buffer does not fit the size");
  Writer writer;
  if (!write(&writer, image.rgb.data(), image.width, image.height))
    throw Error(Code::kResource, "PNG", format("a picture of {} x {} pixels could not be encoded", image.width, image.height));
  return std::move(writer.out);
}

}  // namespace beholder::media
