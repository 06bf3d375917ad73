#include "judge/medium_store.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/profile.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "judge/prompt.h"
#include "media/image.h"
#include "media/media_info.h"

namespace beholder::judge {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string read_media_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw Error(Code::kInvalidInput, path, "it is a folder", "name the files in it");
  return read_file(path, static_cast<std::uint64_t>(media::DecodeLimits{}.max_file_bytes));
}

// One hash for several pictures; a single one keeps its own.
std::string hash_of(std::span<const media::Image> frames, bool video, double fps) {
  if (!video) return media::content_hash(frames[0]);
  std::string all = format("video {}", fps);
  for (const media::Image& frame : frames) all += media::content_hash(frame);
  return sha256_hex(all);
}

// What else the patches depend on, beside content and size.
std::string mark_of(const media::PatchConfig& c) {
  return format("{} {} {} {} {}", c.patch_size, c.temporal_patch_size, c.merge_size, fmt::join(c.image_mean, ","),
                fmt::join(c.image_std, ","));
}

Medium named(const std::string& name, const std::string& hash, vlm::Media media, const media::PatchConfig& patches) {
  media.key = hash + " " + mark_of(patches);
  return {name, hash, std::move(media)};
}

Medium from_frames(const std::string& name, std::span<const media::Image> frames, double fps, const media::PatchConfig& patches) {
  return named(name, hash_of(frames, true, fps), prepare_video(frames, fps, patches), patches);
}

// A short video at a low rate is hardly looked at.
bool few_frames(const media::VideoFrames& video) {
  constexpr int kFew = 4;
  return std::ssize(video.indices) <= kFew && video.total_frames > kFew;
}

Medium from_bytes(const std::string& path, const std::string& bytes, const media::VideoOptions& options, const media::PatchConfig& patches,
                  std::atomic<bool>& told_few_frames) {
  if (media::media_kind(as_bytes(bytes)) == media::MediaKind::kImage) {
    const media::Image image = media::decode_image(as_bytes(bytes), path);
    return named(path, hash_of(std::span(&image, 1), false, 0), prepare_image(image, patches), patches);
  }
  const media::VideoFrames video = media::decode_video(as_bytes(bytes), path, options);
  if (few_frames(video) && !told_few_frames.exchange(true))
    log_warning(format("{}: {} of its {} frames are looked at, as at {} a second of every short video; a higher --fps takes more", path,
                       video.indices.size(), video.total_frames, options.fps));
  return named(path, hash_of(video.frames, true, video.fps),
               prepare_video(video.frames, vlm::FrameTimes{video.times_s, video.fps}, patches), patches);
}

// What is looked at of a list of frames: all, or so many from first to last.
data::MediaRef at_most(data::MediaRef ref, int max_frames) {
  if (std::ssize(ref.frames) <= max_frames) return ref;
  std::vector<double> times_s;
  for (std::size_t i = 0; i < ref.frames.size(); ++i) times_s.push_back(static_cast<double>(i) / ref.fps);
  const std::vector<int> chosen = media::choose_frames(times_s, ref.fps, max_frames);
  std::vector<std::string> frames;
  for (const int i : chosen) frames.push_back(ref.frames[static_cast<std::size_t>(i)]);
  if (chosen.size() > 1) ref.fps *= static_cast<double>(chosen.size() - 1) / (chosen.back() - chosen.front());
  ref.frames = std::move(frames);
  return ref;
}

// Puts the file's name in front of an error that does not name it.
template <class Make>
Medium naming(const std::string& name, const Make& make) {
  try {
    return make();
  } catch (const Error& e) {
    if (std::string_view(e.what()).find(name) != std::string_view::npos) throw;
    throw Error(e.code(), name, e.problem(), e.fix());
  }
}

// The same for the same file, frames or bytes in memory.
std::string source_of(const data::MediaRef& ref) {
  std::string out = ref.bytes ? format("{} ", static_cast<const void*>(ref.bytes.get())) : "";
  if (!ref.is_frame_list()) return out + ref.path;
  out += format("{}", ref.fps);
  for (const std::string& frame : ref.frames) out += "\n" + frame;
  return out;
}

}  // namespace

void MediumStore::expect(const data::MediaRef& ref) {
  constexpr std::int64_t kPatience = 4 * kMostExpected;  // loads
  while (!expected_.empty() && expected_.front().loads + kPatience < loads_) expected_.pop_front();
  if (expected_.size() >= kMostExpected || find_expected(ref) != expected_.end()) return;
  if (!readers_) readers_.emplace(helper_threads());
  expected_.push_back({source_of(ref), readers_->add([this, ref] { return read(ref); }), loads_});
}

std::deque<MediumStore::Expected>::iterator MediumStore::find_expected(const data::MediaRef& ref) {
  return std::find_if(expected_.begin(), expected_.end(), [source = source_of(ref)](const Expected& e) { return e.source == source; });
}

Medium MediumStore::load(const data::MediaRef& ref) {
  const ProfileSpan span("read media");
  ++loads_;
  const auto found = find_expected(ref);
  if (found == expected_.end()) return read(ref);
  std::future<Medium> medium = std::move(found->medium);
  expected_.erase(found);
  return medium.get();
}

Medium MediumStore::read(const data::MediaRef& whole) {
  const ProfileSpan span("decode media");
  const data::MediaRef ref = at_most(whole, video_.max_frames);
  const bool list = ref.is_frame_list();
  const std::string& name = ref.name();
  std::vector<std::string> files;
  std::string key = list ? format("frames {}", ref.fps) : "file";
  for (const std::string& path : list ? ref.frames : std::vector<std::string>{ref.path}) {
    files.push_back(ref.bytes ? *ref.bytes : read_media_file(path));
    key += sha256_hex(as_bytes(files.back()));
  }
  if (std::optional<Medium> known = find(key)) {
    known->name = name;
    return std::move(*known);
  }
  Medium medium = naming(name, [&] {
    if (!list) return from_bytes(name, files[0], video_, patches_, told_few_frames_);
    std::vector<media::Image> frames;
    for (std::size_t i = 0; i < files.size(); ++i) frames.push_back(media::decode_image(as_bytes(files[i]), ref.frames[i]));
    return from_frames(name, frames, ref.fps, patches_);
  });
  keep(key, medium);
  return medium;
}

std::optional<Medium> MediumStore::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  ++hits_;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front().medium;
}

void MediumStore::keep(const std::string& key, const Medium& medium) {
  const auto size = [](const Medium& m) { return static_cast<std::size_t>(m.media.patches.numel()) * sizeof(float); };
  const std::lock_guard lock(mutex_);
  if (size(medium) > limit_bytes_ || by_key_.contains(key)) return;  // two threads may have read the same
  entries_.push_front({key, medium});
  by_key_[key] = entries_.begin();
  bytes_ += size(medium);
  while (bytes_ > limit_bytes_) {
    bytes_ -= size(entries_.back().medium);
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::int64_t MediumStore::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}

std::size_t MediumStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace beholder::judge
