#include "media/encode.h"
#include "media/encode_check.h"

#if BEHOLDER_VIDEO
extern "C" {
#include <libavutil/opt.h>
}

#include <cmath>

#include "media/libav.h"
#endif

namespace beholder::media {

#if BEHOLDER_VIDEO

namespace {

using libav::Owned;

// The container, written to memory.
class Mp4Writer {
 public:
  Mp4Writer(const Image& first, double fps) {
    check(avformat_alloc_output_context2(&output_, nullptr, "mp4", nullptr), "begun");
    const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_H264);
    if (codec == nullptr) codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (codec == nullptr) throw Error(Code::kUnsupported, "MP4", "this build has no encoder for it", "write animated WebP instead");
    encoder_.reset(avcodec_alloc_context3(codec));
    encoder_->width = first.width;
    encoder_->height = first.height;
    encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder_->time_base = {1, static_cast<int>(std::lround(1000 * fps))};
    encoder_->framerate = {encoder_->time_base.den, 1000};
    encoder_->thread_count = 1;  // the same bytes on every machine
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(encoder_->priv_data, "crf", "12", 0);  // nobody's wish: all but free of loss; an encoder without it keeps its default
    encoder_->bit_rate = codec->id == AV_CODEC_ID_MPEG4 ? 4'000'000 : 0;
    check(avcodec_open2(encoder_.get(), codec, nullptr), "opened");
    stream_ = avformat_new_stream(output_, nullptr);
    check(stream_ != nullptr ? avcodec_parameters_from_context(stream_->codecpar, encoder_.get()) : AVERROR(ENOMEM), "opened");
    stream_->time_base = encoder_->time_base;
    stream_->avg_frame_rate = encoder_->framerate;
    check(avio_open_dyn_buf(&output_->pb), "opened");
    check(avformat_write_header(output_, nullptr), "begun");
  }
  ~Mp4Writer() {
    if (output_ != nullptr && output_->pb != nullptr) {
      std::uint8_t* rest = nullptr;
      avio_close_dyn_buf(output_->pb, &rest);
      av_free(rest);
    }
    avformat_free_context(output_);
  }
  Mp4Writer(const Mp4Writer&) = delete;
  Mp4Writer& operator=(const Mp4Writer&) = delete;

  void add(const Image& image, std::int64_t number) {
    const Owned<AVFrame> frame(av_frame_alloc());
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = image.width;
    frame->height = image.height;
    check(av_frame_get_buffer(frame.get(), 0), "held");
    const Owned<SwsContext> scaler(sws_getContext(image.width, image.height, AV_PIX_FMT_RGB24, image.width, image.height,
                                                  AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
    const std::uint8_t* planes[] = {image.rgb.data()};
    const int strides[] = {3 * image.width};
    if (!scaler || sws_scale(scaler.get(), planes, strides, 0, image.height, frame->data, frame->linesize) != image.height)
      check(AVERROR(EINVAL), "turned into yuv420p");
    frame->pts = 1000 * number;  // time_base is 1 / (1000 fps)
    send(frame.get());
  }

  std::string finish() {
    send(nullptr);
    check(av_write_trailer(output_), "finished");
    std::uint8_t* data = nullptr;
    const int size = avio_close_dyn_buf(output_->pb, &data);
    output_->pb = nullptr;
    std::string out(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    av_free(data);
    return out;
  }

 private:
  static void check(int status, const char* what) {
    if (status < 0)
      throw Error(Code::kUnsupported, "MP4", format("the video could not be {}: {}", what, libav::error_text(status)),
                  "write animated WebP instead");
  }
  void send(const AVFrame* frame) {
    check(avcodec_send_frame(encoder_.get(), frame), "encoded");
    const Owned<AVPacket> packet(av_packet_alloc());
    for (int status; (status = avcodec_receive_packet(encoder_.get(), packet.get())) != AVERROR(EAGAIN) && status != AVERROR_EOF;) {
      check(status, "encoded");
      av_packet_rescale_ts(packet.get(), encoder_->time_base, stream_->time_base);
      packet->stream_index = stream_->index;
      check(av_interleaved_write_frame(output_, packet.get()), "written");
    }
  }

  AVFormatContext* output_ = nullptr;
  Owned<AVCodecContext> encoder_;
  AVStream* stream_ = nullptr;
};

}  // namespace

std::string encode_mp4(std::span<const Image> frames, double fps) {
  check_frames(frames, fps, "MP4");
  if (frames[0].width % 2 != 0 || frames[0].height % 2 != 0)
    throw Error(Code::kUnsupported, "MP4", format("{} x {} px: sides must be even", frames[0].width, frames[0].height),
                "write animated WebP instead");
  av_log_set_level(AV_LOG_QUIET);
  Mp4Writer writer(frames[0], fps);
  for (std::size_t i = 0; i < frames.size(); ++i) writer.add(frames[i], static_cast<std::int64_t>(i));
  return writer.finish();
}

#else

std::string encode_mp4(std::span<const Image> frames, double fps) {
  check_frames(frames, fps, "MP4");
  throw Error(Code::kUnsupported, "MP4", "this build has no video library", "write animated WebP instead");
}

#endif

}  // namespace beholder::media
