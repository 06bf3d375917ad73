#include "data/media_check.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/rng.h"
#include "media/media_info.h"
#include "media/preprocess.h"
#include "media/video.h"

namespace beholder::data {
namespace {

constexpr int kSmallSide = 256;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

media::Image shrunk(const media::Image& image) {
  const double scale = std::min(1.0, static_cast<double>(kSmallSide) / std::max(image.width, image.height));
  if (scale == 1.0) return image;
  const auto side = [&](int px) { return std::max(1, static_cast<int>(px * scale)); };
  return media::resize_bicubic(image, {side(image.width), side(image.height)});
}

void look(const std::string& bytes, const std::string& name, const CheckOptions& options, MediaCheck& check) {
  if (media::media_kind(as_bytes(bytes)) == media::MediaKind::kImage) {
    const media::ImageInfo info = media::probe_image(as_bytes(bytes), name);
    check.format = info.format;
    check.width = info.width;
    check.height = info.height;
    if (options.level != CheckLevel::kFull) return;
    const media::Image image = media::decode_image(as_bytes(bytes), name);
    if (options.small) check.small = shrunk(image);
    return;
  }
  check.format = "video";
  if (options.level != CheckLevel::kFull) return;
  media::VideoOptions video;
  video.max_frames = 2;
  const media::VideoFrames frames = media::decode_video(as_bytes(bytes), name, video);
  check.width = frames.frames[0].width;
  check.height = frames.frames[0].height;
  if (options.small) check.small = shrunk(frames.frames[0]);
}

}  // namespace

std::shared_ptr<const std::string> media_bytes(const MediaRef& ref) {
  if (ref.bytes) return ref.bytes;
  return std::make_shared<const std::string>(read_file(ref.name(), static_cast<std::uint64_t>(media::DecodeLimits{}.max_file_bytes)));
}

MediaCheck check_bytes(const std::string& bytes, const std::string& name, const CheckOptions& options) {
  MediaCheck check;
  check.hash = stable_hash(bytes);
  try {
    look(bytes, name, options, check);
  } catch (const Error& e) {
    check.error = e.what();
  }
  return check;
}

MediaCheck check_media(const MediaRef& ref, const CheckOptions& options) {
  MediaCheck check;
  std::error_code ignored;
  const std::vector<std::string> files = ref.is_frame_list() ? ref.frames : std::vector<std::string>{ref.path};
  for (const std::string& file : files) {
    if (!ref.bytes && !std::filesystem::is_regular_file(file, ignored)) {
      check.error = file + ": no such file (check the folder, or name it with --media-root)";
      check.missing = true;
      return check;
    }
  }
  if (options.level == CheckLevel::kNone && !ref.bytes) {
    check.hash = stable_hash(files[0]);
    return check;
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    try {
      const auto bytes = ref.bytes ? ref.bytes : std::make_shared<const std::string>(read_file(files[i]));
      MediaCheck one;
      if (options.level == CheckLevel::kNone)
        one.hash = stable_hash(*bytes);
      else
        one = check_bytes(*bytes, files[i], options);
      one.hash = i == 0 ? one.hash : mix_keys(check.hash, one.hash);
      check = std::move(one);
    } catch (const Error& e) {
      check.error = e.what();
    }
    if (!check.error.empty()) return check;
  }
  return check;
}

CheckedStream::CheckedStream(RecordStream& source, const CheckOptions& options, Archived archived)
    : source_(source), options_(options), archived_(std::move(archived)), pool_(options.threads) {}

MediaCheck CheckedStream::check_one(const MediaRef& ref) const {
  const bool file = archived_ && !ref.bytes && !ref.is_frame_list();
  const std::optional<std::uint64_t> content = file ? archived_(ref.path) : std::nullopt;
  if (!content) return check_media(ref, options_);
  MediaCheck check;
  check.in_archive = true;
  check.hash = *content;
  return check;
}

CheckedLine CheckedStream::checked(Line line) const {
  CheckedLine out{std::move(line), {}};
  if (!out.line.record) return out;
  for (const MediaRef& ref : out.line.record->media) out.media.push_back(check_one(ref));
  return out;
}

std::optional<CheckedLine> CheckedStream::next() {
  if (options_.level == CheckLevel::kNone) {  // a look at the folder is quicker than handing it to a thread
    std::optional<Line> line = source_.next();
    return line ? std::optional(checked(std::move(*line))) : std::nullopt;
  }
  while (!ended_ && ahead_.size() < static_cast<std::size_t>(4 * std::max(1, options_.threads))) {
    std::optional<Line> line = source_.next();
    if (!line) {
      ended_ = true;
      break;
    }
    ahead_.push_back(pool_.add([this, line = std::make_shared<Line>(std::move(*line))] { return checked(std::move(*line)); }));
  }
  if (ahead_.empty()) return std::nullopt;
  CheckedLine line = ahead_.front().get();
  ahead_.pop_front();
  return line;
}

}  // namespace beholder::data
