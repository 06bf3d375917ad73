// AVIF through libavif (optional). irot and imir, not EXIF, say how the picture is to be turned.
#include "core/error.h"
#include "media/formats.h"

#if BEHOLDER_AVIF
#include <avif/avif.h>

#include <algorithm>
#include <memory>

namespace beholder::media {
namespace {

struct FreeAvif {
  void operator()(avifDecoder* p) const { avifDecoderDestroy(p); }
};
using Decoder = std::unique_ptr<avifDecoder, FreeAvif>;

Decoder open_avif(Bytes bytes, std::string_view where) {
  Decoder decoder(avifDecoderCreate());
  if (!decoder) throw Error(Code::kResource, where, "AVIF: out of memory");
  decoder->maxThreads = 1;
  decoder->ignoreExif = decoder->ignoreXMP = AVIF_TRUE;
  // Properties that old encoders leave out and that do not change the pixels.
  decoder->strictFlags = AVIF_STRICT_ENABLED & ~(AVIF_STRICT_PIXI_REQUIRED | AVIF_STRICT_CLAP_VALID | AVIF_STRICT_ALPHA_ISPE_REQUIRED);
  avifResult result = avifDecoderSetIOMemory(decoder.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder.get());
  if (result != AVIF_RESULT_OK) throw_corrupt(where, "AVIF", avifResultToString(result));
  return decoder;
}

// HEIF order: first `angle` quarter turns counter-clockwise, then the mirror (0: top and bottom, 1: left and right).
int orientation_of(const avifImage& image) {
  constexpr int kTurned[4] = {1, 8, 3, 6};
  constexpr int kMirrored[4][2] = {{4, 2}, {5, 7}, {2, 4}, {7, 5}};
  const int angle = image.transformFlags & AVIF_TRANSFORM_IROT ? image.irot.angle & 3 : 0;
  return image.transformFlags & AVIF_TRANSFORM_IMIR ? kMirrored[angle][image.imir.mode & 1] : kTurned[angle];
}

}  // namespace

Header probe_avif(Bytes bytes, std::string_view where) {
  const Decoder decoder = open_avif(bytes, where);
  return {"avif", decoder->image->width, decoder->image->height, orientation_of(*decoder->image), std::max(1, decoder->imageCount)};
}

Image decode_avif(Bytes bytes, std::string_view where) {
  const Decoder decoder = open_avif(bytes, where);
  const avifResult decoded = avifDecoderNextImage(decoder.get());
  if (decoded != AVIF_RESULT_OK) throw_corrupt(where, "AVIF", avifResultToString(decoded));
  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, decoder->image);
  // Alpha is decoded and dropped, so that colours under transparency come out as stored.
  const bool alpha = decoder->image->alphaPlane != nullptr;
  rgb.format = alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  rgb.depth = 8;
  Image image = blank_image(rgb.width, rgb.height);
  std::vector<std::uint8_t> rgba(alpha ? image.rgb.size() / 3 * 4 : 0);
  rgb.pixels = alpha ? rgba.data() : image.rgb.data();
  rgb.rowBytes = rgb.width * (alpha ? 4 : 3);
  const avifResult converted = avifImageYUVToRGB(decoder->image, &rgb);
  if (converted != AVIF_RESULT_OK) throw_corrupt(where, "AVIF", avifResultToString(converted));
  for (std::size_t i = 0; i < rgba.size() / 4; ++i) std::copy_n(&rgba[4 * i], 3, &image.rgb[3 * i]);
  return image;
}

}  // namespace beholder::media

#else

namespace beholder::media {
namespace {
[[noreturn]] void missing(std::string_view where) {
  throw Error(Code::kUnsupported, where, "this build reads no AVIF", "install libavif and build again, or convert it to PNG");
}
}  // namespace

Header probe_avif(Bytes, std::string_view where) {
  missing(where);
}
Image decode_avif(Bytes, std::string_view where) {
  missing(where);
}

}  // namespace beholder::media
#endif
