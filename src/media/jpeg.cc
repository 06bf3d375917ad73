// JPEG through libjpeg-turbo, to Pillow's pixels: same upsampling and IDCT (the library's defaults), CMYK by Adobe's
// inverted convention. Unlike Pillow, damage inside the data (which libjpeg only warns about) is an error.
#include <csetjmp>
#include <cstdio>
// libjpeg's header needs <cstdio> before it.
#include <jpeglib.h>
// jerror.h lists what jpeglib.h has configured.
#include <jerror.h>

#include <cstring>

#include "core/error.h"
#include "core/format.h"
#include "media/formats.h"
#include "media/orientation.h"

namespace beholder::media {
namespace {

constexpr int kMaxScans = 500;  // real progressive files have about ten; each scan costs a pass over the picture

// libjpeg reports errors by a callback that must not return: it jumps back to the latest guarded call. No object with a
// destructor may live in between, hence the small functions with plain pointers below.
struct JpegReader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  int code = 0;
  char text[JMSG_LENGTH_MAX] = "";

  JpegReader() = default;
  ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  auto* reader = static_cast<JpegReader*>(jpeg->client_data);
  reader->code = jpeg->err->msg_code;
  jpeg->err->format_message(jpeg, reader->text);
  std::longjmp(reader->escape, 1);
}

// Level -1 is a warning. Those that mean lost picture data are errors here; harmless ones (stray bytes, an unknown JFIF
// version…) are not.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
      leave(jpeg);
    default:
      ++jpeg->err->num_warnings;
  }
}

void on_progress(j_common_ptr jpeg) {
  auto* reader = static_cast<JpegReader*>(jpeg->client_data);
  if (reader->jpeg.input_scan_number <= kMaxScans) return;
  std::snprintf(reader->text, sizeof reader->text, "more than %d scans", kMaxScans);
  std::longjmp(reader->escape, 1);
}

bool read_header(JpegReader* r, const unsigned char* data, std::size_t size) {
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->errors.error_exit = leave;
  r->errors.emit_message = on_message;
  r->jpeg.client_data = r;
  if (setjmp(r->escape)) return false;
  jpeg_create_decompress(&r->jpeg);
  r->progress.progress_monitor = on_progress;
  r->jpeg.progress = &r->progress;
  jpeg_mem_src(&r->jpeg, data, static_cast<unsigned long>(size));
  jpeg_save_markers(&r->jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&r->jpeg, TRUE);
  return true;
}

// round(a * b / 255) in integers, as Pillow multiplies.
inline int multiply_255(int a, int b) {
  const int t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

// Adobe's CMYK is stored inverted, so the samples are already 255 - C, 255 - M, 255 - Y, 255 - K.
void cmyk_to_rgb(const unsigned char* cmyk, unsigned char* rgb, std::int64_t pixels) {
  for (std::int64_t i = 0; i < pixels; ++i, cmyk += 4, rgb += 3) {
    const int white = cmyk[3];
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<unsigned char>(white - multiply_255(255 - cmyk[c], white));
  }
}

// `line` has room for one row of four components.
bool read_pixels(JpegReader* r, unsigned char* rgb, unsigned char* line) {
  if (setjmp(r->escape)) return false;
  const bool cmyk = r->jpeg.num_components == 4;
  r->jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&r->jpeg);
  while (r->jpeg.output_scanline < r->jpeg.output_height) {
    unsigned char* row = rgb + std::size_t{3} * r->jpeg.output_width * r->jpeg.output_scanline;
    JSAMPROW target = cmyk ? line : row;
    jpeg_read_scanlines(&r->jpeg, &target, 1);
    if (cmyk) cmyk_to_rgb(line, row, r->jpeg.output_width);
  }
  return true;
}

[[noreturn]] void fail(const JpegReader& r, std::string_view where) {
  switch (r.code) {
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
    case JERR_COMPONENT_COUNT:
    case JERR_ARITH_NOTIMPL:
      throw Error(Code::kUnsupported, where, format("JPEG of a kind that is not read: {}", r.text),
                  "save it as an ordinary 8-bit JPEG or PNG");
    case JERR_OUT_OF_MEMORY:
      throw Error(Code::kResource, where, format("JPEG: {}", r.text));
    default:
      throw_corrupt(where, "JPEG", r.text);
  }
}

const unsigned char* jpeg_data(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

int orientation_of(const JpegReader& r) {
  for (jpeg_saved_marker_ptr m = r.jpeg.marker_list; m; m = m->next)
    if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && std::memcmp(m->data, "Exif\0\0", 6) == 0)
      return exif_orientation(std::as_bytes(std::span(m->data, m->data_length)));
  return 1;
}

}  // namespace

Header probe_jpeg(Bytes bytes, std::string_view where) {
  JpegReader reader;
  if (!read_header(&reader, jpeg_data(bytes), bytes.size())) fail(reader, where);
  return {"jpeg", reader.jpeg.image_width, reader.jpeg.image_height, orientation_of(reader), 1};
}

Image decode_jpeg(Bytes bytes, std::string_view where) {
  JpegReader reader;
  if (!read_header(&reader, jpeg_data(bytes), bytes.size())) fail(reader, where);
  Image image = blank_image(reader.jpeg.image_width, reader.jpeg.image_height);
  std::vector<unsigned char> line(std::size_t{4} * reader.jpeg.image_width);
  if (!read_pixels(&reader, image.rgb.data(), line.data())) fail(reader, where);
  return image;
}

}  // namespace beholder::media
