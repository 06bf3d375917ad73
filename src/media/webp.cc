// WebP through libwebp: still pictures directly, of an animation the first frame as composed on the canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "core/error.h"
#include "media/formats.h"
#include "media/orientation.h"
#include "media/webp_free.h"

namespace beholder::media {
namespace {

WebPData webp_data(Bytes bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

using Demuxer = std::unique_ptr<WebPDemuxer, FreeWebp>;

Demuxer open_webp(Bytes bytes, std::string_view where) {
  const WebPData data = webp_data(bytes);
  Demuxer demux(WebPDemux(&data));  // null for an incomplete file, too
  if (!demux) throw_corrupt(where, "WebP", "it is cut off or its structure is damaged");
  return demux;
}

int orientation_of(const WebPDemuxer* demux) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(demux, "EXIF", 1, &chunk)) return 1;
  const int orientation = exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

void drop_alpha(const std::uint8_t* rgba, Image& image) {
  for (std::size_t i = 0, n = image.rgb.size() / 3; i < n; ++i)
    for (int c = 0; c < 3; ++c) image.rgb[3 * i + c] = rgba[4 * i + c];
}

}  // namespace

Header probe_webp(Bytes bytes, std::string_view where) {
  const Demuxer demux = open_webp(bytes, where);
  Header header{"webp", WebPDemuxGetI(demux.get(), WEBP_FF_CANVAS_WIDTH), WebPDemuxGetI(demux.get(), WEBP_FF_CANVAS_HEIGHT)};
  header.orientation = orientation_of(demux.get());
  header.frames = static_cast<int>(WebPDemuxGetI(demux.get(), WEBP_FF_FRAME_COUNT));
  if (header.frames < 1) throw_corrupt(where, "WebP", "it has no picture in it");
  return header;
}

Image decode_webp(Bytes bytes, std::string_view where) {
  const Demuxer demux = open_webp(bytes, where);
  Image image = blank_image(WebPDemuxGetI(demux.get(), WEBP_FF_CANVAS_WIDTH), WebPDemuxGetI(demux.get(), WEBP_FF_CANVAS_HEIGHT));
  const WebPData data = webp_data(bytes);
  if (!(WebPDemuxGetI(demux.get(), WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG)) {
    if (!WebPDecodeRGBInto(data.bytes, data.size, image.rgb.data(), image.rgb.size(), 3 * image.width))
      throw_corrupt(where, "WebP", "its pixel data are damaged");
    return image;
  }
  const std::unique_ptr<WebPAnimDecoder, FreeWebp> animation(WebPAnimDecoderNew(&data, nullptr));
  std::uint8_t* rgba = nullptr;
  int time_ms = 0;
  if (!animation || !WebPAnimDecoderGetNext(animation.get(), &rgba, &time_ms)) throw_corrupt(where, "WebP", "its first frame is damaged");
  drop_alpha(rgba, image);
  return image;
}

}  // namespace beholder::media
