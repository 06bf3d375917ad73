// libav's C objects with owners, reading from memory only: no network, no other file. Internal to the room; include it
// only where BEHOLDER_VIDEO is set.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>
#include <string_view>

#include "media/formats.h"

namespace beholder::media::libav {

struct Free {
  void operator()(AVFormatContext* p) const { avformat_close_input(&p); }
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
  void operator()(AVIOContext* p) const {
    av_freep(&p->buffer);
    avio_context_free(&p);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string error_text(int code);

// A container opened at its start, with its best video stream.
class Demuxer {
 public:
  Demuxer(Bytes bytes, std::string_view where);
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  AVStream* stream() const { return context_->streams[stream_]; }
  std::string format() const;
  // The next packet of the stream; false at the end of the file.
  bool next(AVPacket* packet);
  // To the key frame at or before `pts`. False when the container cannot.
  bool seek(std::int64_t pts) { return av_seek_frame(context_.get(), stream_, pts, AVSEEK_FLAG_BACKWARD) >= 0; }

 private:
  struct Memory {
    Bytes bytes;
    std::int64_t at = 0;
  };
  static int on_read(void* self, std::uint8_t* to, int size);
  static std::int64_t on_seek(void* self, std::int64_t offset, int whence);

  std::string where_;
  Memory memory_;
  Owned<AVIOContext> io_;
  Owned<AVFormatContext> context_;
  int stream_ = -1;
};

// A decoder for the stream. kUnsupported for an unknown codec, kResource when frames are over the limits.
Owned<AVCodecContext> open_decoder(const AVStream* stream, std::string_view where, const DecodeLimits& limits);

// EXIF number of the turn that the stream's display matrix asks for.
int display_orientation(const AVStream* stream);

// The frame in RGB, by its own colour matrix and range (ITU-R 601 where it names none).
Image to_rgb(const AVFrame* frame, std::string_view where);

}  // namespace beholder::media::libav
