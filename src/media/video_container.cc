#include "core/error.h"
#include "core/format.h"
#include "media/orientation.h"
#include "media/video_source.h"

#if BEHOLDER_VIDEO
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "media/libav.h"

namespace beholder::media {
namespace {

constexpr std::size_t kMaxPackets = 10'000'000;
constexpr int kWorthSeeking = 8;       // frames to decode and drop before a seek pays
constexpr std::size_t kInvisible = 2;  // packets in a row that may show nothing (VP8 stores reference frames as such)

struct Shown {
  std::int64_t position;  // presentation time in stream units, or the frame's number where the container has none
  bool key;
};

// Two passes: the packets' times without decoding, then the wanted frames, jumping to key frames between them.
class Container : public VideoSource {
 public:
  Container(Bytes bytes, std::string_view where, const DecodeLimits& limits) : bytes_(bytes), where_(where), limits_(limits) {
    read_packets();
  }

  std::string format() const override { return format_; }
  std::vector<double> times_s() const override;
  std::vector<Image> decode(const std::vector<int>& wanted) override;

 private:
  void read_packets();
  std::optional<std::vector<Image>> decode_pass(const std::vector<int>& wanted, bool seeking);

  Bytes bytes_;
  std::string where_, format_;
  DecodeLimits limits_;
  std::vector<Shown> shown_;  // in display order
  bool timed_ = true;         // positions are times
  double unit_s_ = 0;         // seconds of one position
};

void Container::read_packets() {
  libav::Demuxer demuxer(bytes_, where_);
  const AVStream* stream = demuxer.stream();
  check_size(stream->codecpar->width, stream->codecpar->height, "video", where_, limits_);
  format_ = demuxer.format();
  const libav::Owned<AVPacket> packet(av_packet_alloc());
  std::int64_t packets = 0;
  while (demuxer.next(packet.get())) {
    ++packets;
    if (packet->flags & AV_PKT_FLAG_CORRUPT) throw_corrupt(where_, "video", beholder::format("packet {} is damaged or cut off", packets));
    if (packet->flags & AV_PKT_FLAG_DISCARD || packet->size == 0) continue;
    timed_ = timed_ && packet->pts != AV_NOPTS_VALUE;
    shown_.push_back({packet->pts, (packet->flags & AV_PKT_FLAG_KEY) != 0});
    if (shown_.size() > kMaxPackets)
      throw Error(Code::kResource, where_, beholder::format("more than {} frames", kMaxPackets), "cut the video");
  }
  if (shown_.empty()) throw_corrupt(where_, "video", "it has no frames");
  // What the header promises; the index of a trimmed file holds only the samples its edit list keeps.
  const std::int64_t indexed = avformat_index_get_entries_count(stream);
  const std::int64_t promised = indexed > 0 ? std::min<std::int64_t>(stream->nb_frames, indexed) : stream->nb_frames;
  if (packets < promised) throw_corrupt(where_, "video", beholder::format("it ends after {} of {} frames", packets, promised));
  const AVRational rate = stream->avg_frame_rate;
  if (timed_) {
    std::stable_sort(shown_.begin(), shown_.end(), [](const Shown& a, const Shown& b) { return a.position < b.position; });
    unit_s_ = av_q2d(stream->time_base);
  } else {
    for (std::size_t i = 0; i < shown_.size(); ++i) shown_[i].position = static_cast<std::int64_t>(i);
    unit_s_ = rate.num > 0 && rate.den > 0 ? 1.0 / av_q2d(rate) : 1.0 / 25;
  }
}

std::vector<double> Container::times_s() const {
  std::vector<double> times;
  for (const Shown& s : shown_) times.push_back(static_cast<double>(s.position - shown_[0].position) * unit_s_);
  return times;
}

// Gives the stream's frames one after the other.
class FrameReader {
 public:
  FrameReader(Bytes bytes, const std::string& where, const DecodeLimits& limits, bool timed)
      : where_(where),
        timed_(timed),
        demuxer_(bytes, where),
        decoder_(libav::open_decoder(demuxer_.stream(), where, limits)),
        packet_(av_packet_alloc()),
        frame_(av_frame_alloc()),
        position_(timed ? std::numeric_limits<std::int64_t>::min() : -1) {
    if (!packet_ || !frame_) throw Error(Code::kResource, where, "out of memory");
  }

  const libav::Demuxer& demuxer() const { return demuxer_; }
  const AVFrame* frame() const { return frame_.get(); }
  std::int64_t position() const { return position_; }

  bool seek(std::int64_t position) {
    if (!demuxer_.seek(position)) return false;
    avcodec_flush_buffers(decoder_.get());
    drained_ = false;
    return true;
  }

  // False at the end of the video.
  bool next() {
    for (;;) {
      const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (got == 0) break;
      if (got == AVERROR_EOF) return false;
      if (got != AVERROR(EAGAIN)) throw_corrupt(where_, "video", libav::error_text(got));
      feed();
    }
    position_ = timed_ ? frame_->best_effort_timestamp : position_ + 1;
    return true;
  }

 private:
  void feed() {
    const bool more = !drained_ && demuxer_.next(packet_.get());
    drained_ = !more;
    const int sent = avcodec_send_packet(decoder_.get(), more ? packet_.get() : nullptr);
    if (sent < 0 && sent != AVERROR_EOF) throw_corrupt(where_, "video", libav::error_text(sent));
  }

  const std::string& where_;
  bool timed_, drained_ = false;
  libav::Demuxer demuxer_;
  libav::Owned<AVCodecContext> decoder_;
  libav::Owned<AVPacket> packet_;
  libav::Owned<AVFrame> frame_;
  std::int64_t position_;  // of the frame last decoded; below every target before the first
};

bool damaged(const AVFrame* frame) {
  return frame->decode_error_flags != 0 || (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0;
}

// Nothing when seeking led astray (some containers cannot seek well); without seeking, what is wrong is thrown.
std::optional<std::vector<Image>> Container::decode_pass(const std::vector<int>& wanted, bool seeking) {
  FrameReader reader(bytes_, where_, limits_, timed_);
  const int orientation = libav::display_orientation(reader.demuxer().stream());
  std::vector<Image> images;
  int at = -1;  // index of the frame last decoded
  for (const int index : wanted) {
    const std::int64_t target = shown_[index].position;
    bool jumped = false;
    const auto key = std::find_if(shown_.begin() + at + 1, shown_.begin() + index + 1, [](const Shown& s) { return s.key; });
    if (seeking && index - at > kWorthSeeking && key != shown_.begin() + index + 1 && key - shown_.begin() > at + 1) {
      if (!reader.seek(target)) return {};
      jumped = true;
    }
    while (reader.position() < target) {  // a packet that shows nothing may have brought us to this frame already
      if (!reader.next()) {
        if (seeking) return {};
        throw_corrupt(where_, "video", beholder::format("frame {} of {} cannot be decoded", index, shown_.size()));
      }
      if (std::exchange(jumped, false) && reader.position() > target) return {};
    }
    const std::int64_t latest = shown_[std::min(index + kInvisible, shown_.size() - 1)].position;
    if (damaged(reader.frame()) || reader.position() > (seeking ? target : latest)) {
      if (seeking) return {};
      throw_corrupt(where_, "video", beholder::format("frame {} of {} is damaged", index, shown_.size()));
    }
    check_size(reader.frame()->width, reader.frame()->height, "video", where_, limits_);
    images.push_back(apply_orientation(libav::to_rgb(reader.frame(), where_), orientation));
    at = index;
  }
  return images;
}

std::vector<Image> Container::decode(const std::vector<int>& wanted) {
  if (timed_) {
    try {
      if (auto images = decode_pass(wanted, true)) return std::move(*images);
    } catch (const Error& error) {
      if (error.code() != Code::kCorrupt) throw;  // damage may come from where the seek landed: look again from the start
    }
  }
  return std::move(*decode_pass(wanted, false));
}

}  // namespace

std::unique_ptr<VideoSource> open_container(Bytes bytes, std::string_view where, const DecodeLimits& limits) {
  return std::make_unique<Container>(bytes, where, limits);
}

}  // namespace beholder::media

#else

namespace beholder::media {

std::unique_ptr<VideoSource> open_container(Bytes, std::string_view where, const DecodeLimits&) {
  throw Error(Code::kUnsupported, where, "this build reads no videos",
              "install the libav* development packages and build again, or give the frames as pictures");
}

}  // namespace beholder::media
#endif
