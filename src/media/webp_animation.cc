#include <webp/demux.h>

#include "core/error.h"
#include "core/format.h"
#include "media/orientation.h"
#include "media/video_source.h"
#include "media/webp_free.h"

namespace beholder::media {
namespace {

// Frames come composed on the canvas, each as long as its duration says.
class WebpAnimation : public VideoSource {
 public:
  WebpAnimation(Bytes bytes, std::string_view where, const DecodeLimits& limits)
      : where_(where), header_(probe_webp(bytes, where)), data_{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()} {
    check_size(header_.width, header_.height, "WebP", where, limits);
  }

  std::string format() const override { return "webp"; }

  std::vector<double> times_s() const override {
    std::vector<double> times;
    const std::unique_ptr<WebPDemuxer, FreeWebp> demux(WebPDemux(&data_));
    WebPIterator frame;
    double time_ms = 0;
    for (int more = demux ? WebPDemuxGetFrame(demux.get(), 1, &frame) : 0; more; more = WebPDemuxNextFrame(&frame)) {
      times.push_back(time_ms / 1000);
      time_ms += frame.duration;
    }
    if (demux && !times.empty()) WebPDemuxReleaseIterator(&frame);
    if (times.empty()) throw_corrupt(where_, "WebP", "it has no frames");
    return times;
  }

  std::vector<Image> decode(const std::vector<int>& wanted) override {
    const std::unique_ptr<WebPAnimDecoder, FreeWebp> decoder(WebPAnimDecoderNew(&data_, nullptr));
    std::vector<Image> frames;
    for (int index = 0; frames.size() < wanted.size(); ++index) {
      std::uint8_t* rgba = nullptr;
      int end_ms = 0;
      if (!decoder || !WebPAnimDecoderGetNext(decoder.get(), &rgba, &end_ms))
        throw_corrupt(where_, "WebP", beholder::format("frame {} is damaged", index));
      if (index != wanted[frames.size()]) continue;
      Image image = blank_image(header_.width, header_.height);
      for (std::size_t i = 0, n = image.rgb.size() / 3; i < n; ++i)
        for (int c = 0; c < 3; ++c) image.rgb[3 * i + c] = rgba[4 * i + c];
      frames.push_back(apply_orientation(std::move(image), header_.orientation));
    }
    return frames;
  }

 private:
  std::string where_;
  Header header_;
  WebPData data_;
};

}  // namespace

std::unique_ptr<VideoSource> open_webp_animation(Bytes bytes, std::string_view where, const DecodeLimits& limits) {
  return std::make_unique<WebpAnimation>(bytes, where, limits);
}

}  // namespace beholder::media
