#include <webp/encode.h>
#include <webp/mux.h>

#include <cmath>
#include <memory>

#include "media/encode.h"
#include "media/encode_check.h"
#include "media/webp_free.h"

namespace beholder::media {
namespace {

struct Picture {
  WebPPicture picture{};
  explicit Picture(const Image& image) {
    const bool ready = WebPPictureInit(&picture) != 0;
    require_internal(ready, "libwebp of the version that was compiled against");
    picture.use_argb = 1;
    picture.width = image.width;
    picture.height = image.height;
    if (!WebPPictureImportRGB(&picture, image.rgb.data(), 3 * image.width))
      throw Error(Code::kResource, "WebP", format("a frame of {} x {} px could not be held", image.width, image.height));
  }
  ~Picture() { WebPPictureFree(&picture); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
};

}  // namespace

std::string encode_webp_animation(std::span<const Image> frames, double fps) {
  check_frames(frames, fps, "WebP");
  WebPAnimEncoderOptions options;
  WebPConfig config;
  const bool ready = WebPAnimEncoderOptionsInit(&options) != 0 && WebPConfigInit(&config) != 0;
  require_internal(ready, "libwebp of the version that was compiled against");
  config.lossless = 1;
  config.exact = 1;
  options.allow_mixed = 0;
  const std::unique_ptr<WebPAnimEncoder, FreeWebp> encoder(WebPAnimEncoderNew(frames[0].width, frames[0].height, &options));
  const auto time_ms = [&](std::size_t frame) { return static_cast<int>(std::lround(1000.0 * static_cast<double>(frame) / fps)); };
  bool good = encoder != nullptr;
  for (std::size_t i = 0; good && i < frames.size(); ++i) {
    Picture picture(frames[i]);
    good = WebPAnimEncoderAdd(encoder.get(), &picture.picture, time_ms(i), &config) != 0;
  }
  good = good && WebPAnimEncoderAdd(encoder.get(), nullptr, time_ms(frames.size()), nullptr) != 0;
  WebPData data{};
  good = good && WebPAnimEncoderAssemble(encoder.get(), &data) != 0;
  if (!good)
    throw Error(Code::kResource, "WebP",
                format("{} frames of {} x {} px could not be encoded", frames.size(), frames[0].width, frames[0].height),
                "a side may have at most 16383 px");
  std::string out(reinterpret_cast<const char*>(data.bytes), data.size);
  WebPDataClear(&data);
  return out;
}

}  // namespace beholder::media
