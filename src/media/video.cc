#include "media/video.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "media/video_source.h"

namespace beholder::media {
namespace {

void check_options(const VideoOptions& options) {
  if (!(options.fps > 0 && options.fps <= 1000))
    throw Error(Code::kUsage, "fps", format("{} frames a second cannot be taken", options.fps), "give a number above 0, up to 1000");
  if (options.max_frames < 1 || options.max_frames > 100'000)
    throw Error(Code::kUsage, "max_frames", format("{} frames cannot be taken", options.max_frames), "give 1 to 100000");
}

VideoFrames still(Bytes bytes, std::string_view where, const ImageInfo& info, const VideoOptions& options) {
  VideoFrames out;
  out.frames.push_back(decode_image(bytes, where, options.limits));
  out.indices = {0};
  out.times_s = {0.0};
  out.fps = options.fps;
  out.total_frames = 1;
  out.format = info.format;
  return out;
}

void check_one_size(const std::vector<Image>& frames, const std::vector<int>& indices, std::string_view where) {
  for (std::size_t i = 1; i < frames.size(); ++i)
    if (frames[i].width != frames[0].width || frames[i].height != frames[0].height)
      throw Error(Code::kInvalidInput, where,
                  format("frame {} is {} x {} pixels, frame {} is {} x {}", indices[i], frames[i].width, frames[i].height, indices[0],
                         frames[0].width, frames[0].height),
                  "encode the video with one frame size");
}

int nearest(std::span<const double> times_s, double time) {
  const auto above = std::lower_bound(times_s.begin(), times_s.end(), time);
  if (above == times_s.begin()) return 0;
  if (above == times_s.end()) return static_cast<int>(times_s.size()) - 1;
  const int index = static_cast<int>(above - times_s.begin());
  return time - times_s[index - 1] <= times_s[index] - time ? index - 1 : index;
}

}  // namespace

std::vector<int> choose_frames(std::span<const double> times_s, double fps, int max_frames, FrameRule rule) {
  if (times_s.empty()) return {};
  const double last = times_s.back();
  const bool first_ones = rule == FrameRule::kVisionReward;
  const double regular = (first_ones ? std::nearbyint(last * fps) : std::floor(last * fps + 1e-6)) + 1;
  const int count = static_cast<int>(std::min<double>(regular, max_frames));
  const double spread = count > 1 ? last / (count - 1) : 0.0;
  const double step = first_ones || regular <= max_frames ? 1.0 / fps : spread;
  std::vector<int> chosen;
  for (int i = 0; i < count; ++i) {
    const int index = nearest(times_s, i * step);
    if (chosen.empty() || index > chosen.back()) chosen.push_back(index);
  }
  return chosen;
}

VideoFrames decode_video(Bytes bytes, std::string_view where, const VideoOptions& options) {
  check_options(options);
  const std::string_view kind = sniff_format(bytes);
  std::unique_ptr<VideoSource> source;
  if (!kind.empty()) {
    const ImageInfo info = probe_image(bytes, where);
    if (info.frames == 1 || kind == "avif") return still(bytes, where, info, options);
    if (kind == "webp") source = open_webp_animation(bytes, where, options.limits);
  }
  if (!source) source = open_container(bytes, where, options.limits);
  const std::vector<double> times = source->times_s();
  VideoFrames out;
  out.format = source->format();
  out.total_frames = static_cast<int>(times.size());
  out.indices = choose_frames(times, options.fps, options.max_frames, options.rule);
  out.frames = source->decode(out.indices);
  for (const int index : out.indices) out.times_s.push_back(times[index]);
  check_one_size(out.frames, out.indices, where);
  const double span_s = out.times_s.back() - out.times_s.front();
  out.fps = span_s > 0 ? static_cast<double>(out.indices.size() - 1) / span_s : options.fps;
  return out;
}

VideoFrames load_video(const std::string& path, const VideoOptions& options) {
  const auto file = MappedFile::open(path);
  if (file->bytes().empty()) throw Error(Code::kCorrupt, path, "the file is empty", "get the video again");
  return decode_video(file->bytes(), path, options);
}

}  // namespace beholder::media
