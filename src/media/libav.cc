#if BEHOLDER_VIDEO
#include "media/libav.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/format.h"

namespace beholder::media::libav {
namespace {

constexpr int kIoBuffer = 1 << 16;
// Containers only. Playlists and lists of files (hls, concat, image2…) could name other files of this machine.
constexpr const char* kContainers = "mov,matroska,webm,avi,gif,apng,mpeg,mpegts,flv,ogg,asf";

void be_quiet() {
  static const bool once = [] {
    av_log_set_level(AV_LOG_QUIET);  // what goes wrong is thrown, not printed
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace

std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(code, text, sizeof text);
  return text;
}

int Demuxer::on_read(void* self, std::uint8_t* to, int size) {
  auto* memory = static_cast<Memory*>(self);
  const std::int64_t left = static_cast<std::int64_t>(memory->bytes.size()) - memory->at;
  const std::int64_t n = std::min<std::int64_t>(size, left);
  if (n <= 0) return AVERROR_EOF;
  std::memcpy(to, memory->bytes.data() + memory->at, static_cast<std::size_t>(n));
  memory->at += n;
  return static_cast<int>(n);
}

std::int64_t Demuxer::on_seek(void* self, std::int64_t offset, int whence) {
  auto* memory = static_cast<Memory*>(self);
  const auto size = static_cast<std::int64_t>(memory->bytes.size());
  if (whence == AVSEEK_SIZE) return size;
  const int mode = whence & ~AVSEEK_FORCE;
  const std::int64_t base = mode == SEEK_SET ? 0 : mode == SEEK_CUR ? memory->at : size;
  if (offset < -base || offset > size - base) return AVERROR(EINVAL);
  return memory->at = base + offset;
}

Demuxer::Demuxer(Bytes bytes, std::string_view where) : where_(where), memory_{bytes} {
  be_quiet();
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBuffer));
  io_.reset(avio_alloc_context(buffer, kIoBuffer, 0, &memory_, on_read, nullptr, on_seek));
  AVFormatContext* context = avformat_alloc_context();
  if (!buffer || !io_ || !context) throw Error(Code::kResource, where, "out of memory");
  context->pb = io_.get();
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "format_whitelist", kContainers, 0);
  av_dict_set(&settings, "protocol_whitelist", "file", 0);
  const int opened = avformat_open_input(&context, nullptr, nullptr, &settings);  // frees the context when it fails
  av_dict_free(&settings);
  if (opened < 0) throw_corrupt(where, "video", error_text(opened));
  context_.reset(context);
  const int found = avformat_find_stream_info(context, nullptr);
  if (found < 0) throw_corrupt(where, "video", error_text(found));
  stream_ = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (stream_ >= 0 && stream()->disposition & AV_DISPOSITION_ATTACHED_PIC) stream_ = -1;  // the cover of a sound file
  if (stream_ < 0) throw Error(Code::kInvalidInput, where, "it has no video stream", "is it a sound file?");
}

std::string Demuxer::format() const {
  const std::string name = context_->iformat->name;
  if (name.starts_with("mov,")) return "mp4";
  return name.substr(0, name.find(','));
}

bool Demuxer::next(AVPacket* packet) {
  for (;;) {
    av_packet_unref(packet);
    const int got = av_read_frame(context_.get(), packet);
    if (got == AVERROR_EOF) return false;
    if (got < 0) throw_corrupt(where_, "video", error_text(got));
    if (packet->stream_index == stream_) return true;
  }
}

Owned<AVCodecContext> open_decoder(const AVStream* stream, std::string_view where, const DecodeLimits& limits) {
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  if (!codec)
    throw Error(Code::kUnsupported, where, format("no decoder for its codec '{}'", avcodec_get_name(stream->codecpar->codec_id)),
                "encode it as H.264");
  check_size(stream->codecpar->width, stream->codecpar->height, "video", where, limits);
  Owned<AVCodecContext> decoder(avcodec_alloc_context3(codec));
  if (!decoder || avcodec_parameters_to_context(decoder.get(), stream->codecpar) < 0) throw Error(Code::kResource, where, "out of memory");
  decoder->max_pixels = limits.max_pixels;
  decoder->thread_count = 1;  // callers decode many videos at once
  decoder->pkt_timebase = stream->time_base;
  const int opened = avcodec_open2(decoder.get(), codec, nullptr);
  if (opened < 0) throw_corrupt(where, "video", error_text(opened));
  return decoder;
}

int display_orientation(const AVStream* stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  if (!data || data->size < 9 * sizeof(std::int32_t)) return 1;
  const auto* m = reinterpret_cast<const std::int32_t*>(data->data);
#else
  std::size_t size = 0;
  const auto* m = reinterpret_cast<const std::int32_t*>(av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size));
  if (!m || size < 9 * sizeof(std::int32_t)) return 1;
#endif
  // (x, y) is shown at (m0 x + m3 y, m1 x + m4 y); y points down.
  const std::int64_t upright = std::abs(std::int64_t{m[0]}) + std::abs(std::int64_t{m[4]});
  const std::int64_t turned = std::abs(std::int64_t{m[1]}) + std::abs(std::int64_t{m[3]});
  if (upright >= turned) return m[0] >= 0 ? (m[4] >= 0 ? 1 : 4) : (m[4] >= 0 ? 2 : 3);
  return m[1] >= 0 ? (m[3] >= 0 ? 5 : 6) : (m[3] >= 0 ? 8 : 7);
}

Image to_rgb(const AVFrame* frame, std::string_view where) {
  const int w = frame->width, h = frame->height;
  const Owned<SwsContext> scaler(sws_getContext(w, h, static_cast<AVPixelFormat>(frame->format), w, h, AV_PIX_FMT_RGB24,
                                                SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
  if (!scaler) throw Error(Code::kUnsupported, where, "its pixel format cannot be turned into RGB", "encode it as H.264 with yuv420p");
  const int matrix = frame->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : static_cast<int>(frame->colorspace);
  sws_setColorspaceDetails(scaler.get(), sws_getCoefficients(matrix), frame->color_range == AVCOL_RANGE_JPEG,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  const int stride = (3 * w + 63) / 64 * 64 + 64;  // the scaler's vector code writes beyond the end of a row
  std::vector<std::uint8_t> padded(std::size_t{1} * stride * h + 64);
  std::uint8_t* planes[4] = {padded.data()};
  const int strides[4] = {stride};
  const int rows = sws_scale(scaler.get(), frame->data, frame->linesize, 0, h, planes, strides);
  if (rows != h) throw_corrupt(where, "video", "a frame could not be turned into RGB");
  Image image = blank_image(w, h);
  for (int y = 0; y < h; ++y)
    std::memcpy(image.rgb.data() + std::size_t{3} * w * y, padded.data() + std::size_t{1} * stride * y, std::size_t{3} * w);
  return image;
}

}  // namespace beholder::media::libav
#endif
