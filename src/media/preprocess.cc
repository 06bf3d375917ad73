#include "media/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/format.h"
#include "core/json.h"

namespace beholder::media {
namespace {

constexpr std::int64_t kVideoMinPixels = 128 * 32 * 32, kVideoMaxPixels = 32 * 32 * 768;  // Qwen3VLVideoProcessor's own
constexpr std::string_view kVideoProcessor = "Qwen3VLVideoProcessor";
constexpr double kMaxAspect = 200.0;  // transformers refuses longer strips

std::array<double, 3> read_triple(const Json& json, const char* key, std::array<double, 3> fallback, std::string_view where) {
  const auto values = json_get<std::vector<double>>(json, key, {fallback.begin(), fallback.end()}, where);
  if (values.size() != 3) throw Error(Code::kCorrupt, where, format("'{}' has {} numbers, not 3", key, values.size()));
  return {values[0], values[1], values[2]};
}

void check_config(const PatchConfig& c, std::string_view where) {
  const auto within = [](std::int64_t value, std::int64_t high) { return value >= 1 && value <= high; };
  if (!within(c.patch_size, 256) || !within(c.temporal_patch_size, 64) || !within(c.merge_size, 64))
    throw Error(
        Code::kCorrupt, where,
        format("patch_size {}, temporal_patch_size {}, merge_size {} cannot be", c.patch_size, c.temporal_patch_size, c.merge_size));
  if (c.min_pixels < 1 || c.max_pixels < c.min_pixels || c.max_pixels > std::int64_t{1} << 40)
    throw Error(Code::kCorrupt, where, format("min_pixels {} and max_pixels {} cannot be", c.min_pixels, c.max_pixels));
  for (int i = 0; i < 3; ++i)
    if (!std::isfinite(c.image_mean[i]) || !std::isfinite(c.image_std[i]) || c.image_std[i] <= 0)
      throw Error(Code::kCorrupt, where, "image_mean or image_std is out of range", "image_std must be positive");
}

// A checkpoint whose preprocessing does something else must not be run with ours.
void refuse_other_steps(const Json& json, std::string_view path) {
  constexpr int kBicubic = 3;
  for (const char* step : {"do_resize", "do_rescale", "do_normalize"})
    if (!json_get<bool>(json, step, true, path)) throw Error(Code::kUnsupported, path, format("'{}' is false", step));
  if (json_get<int>(json, "resample", kBicubic, path) != kBicubic) throw Error(Code::kUnsupported, path, "'resample' is not 3 (bicubic)");
  if (std::fabs(json_get<double>(json, "rescale_factor", 1.0 / 255, path) - 1.0 / 255) > 1e-12)
    throw Error(Code::kUnsupported, path, "'rescale_factor' is not 1/255");
}

// Qwen3-VL's second file: the budget of a video, and the same patches. Other families' files of this name say nothing that
// preprocessor_config.json does not.
void read_video_budget(const std::string& dir, PatchConfig& c) {
  const std::string path = dir + "/video_preprocessor_config.json";
  if (!std::filesystem::exists(path)) return;
  const Json json = read_json(path);
  const auto type = json_get<std::string>(json, "video_processor_type", "", path);
  if (std::string_view(type) != kVideoProcessor) return;
  refuse_other_steps(json, path);
  for (const auto& [key, value] :
       {std::pair{"patch_size", c.patch_size}, {"temporal_patch_size", c.temporal_patch_size}, {"merge_size", c.merge_size}})
    if (json_get<int>(json, key, value, path) != value)
      throw Error(Code::kUnsupported, path, format("'{}' is {}, but {} for pictures", key, json[key].dump(), value));
  if (read_triple(json, "image_mean", c.image_mean, path) != c.image_mean ||
      read_triple(json, "image_std", c.image_std, path) != c.image_std)
    throw Error(Code::kUnsupported, path, "'image_mean' or 'image_std' is not that of the pictures");
  const Json size = json_get<Json>(json, "size", Json::object(), path);
  c.video_min_pixels = json_get<std::int64_t>(size, "shortest_edge", kVideoMinPixels, path);
  c.video_max_pixels = json_get<std::int64_t>(size, "longest_edge", kVideoMaxPixels, path);
  if (c.video_min_pixels < 1 || c.video_max_pixels < c.video_min_pixels || c.video_max_pixels > std::int64_t{1} << 44)
    throw Error(Code::kCorrupt, path, format("a budget of {} to {} pixels cannot be", c.video_min_pixels, c.video_max_pixels));
}

// The value of every byte in each channel: byte/255 in double, then to float, then (x - mean) / std in float.
using Levels = std::array<std::array<float, 256>, 3>;

Levels levels_of(const PatchConfig& config) {
  Levels levels;
  for (int c = 0; c < 3; ++c)
    for (int v = 0; v < 256; ++v) {
      const float scaled = static_cast<float>(v * (1.0 / 255.0));
      levels[c][v] = (scaled - static_cast<float>(config.image_mean[c])) / static_cast<float>(config.image_std[c]);
    }
  return levels;
}

// Writes one frame into the time slots first..last of its patches. Rows of the output come in merge blocks: (block y, block x,
// y in block, x in block); a row is (channel, slot, patch y, patch x).
void write_frame(const Image& frame, const PatchConfig& config, const Levels& levels, int first, int last, float* rows) {
  const int p = config.patch_size, m = config.merge_size, t = config.temporal_patch_size;
  const std::size_t patch = std::size_t{1} * p * p, row_size = 3 * t * patch;
  const int blocks_w = frame.width / (p * m);
  for (int y = 0; y < frame.height; ++y) {
    const int gy = y / p;
    const std::uint8_t* line = frame.rgb.data() + std::size_t{3} * frame.width * y;
    for (int gx = 0; gx < frame.width / p; ++gx, line += 3 * p) {
      const std::size_t row = ((std::size_t{1} * (gy / m) * blocks_w + gx / m) * m + gy % m) * m + gx % m;
      float* to = rows + row * row_size + first * patch + std::size_t{1} * (y % p) * p;
      for (int c = 0; c < 3; ++c, to += t * patch) {
        const float* level = levels[c].data();
        for (int x = 0; x < p; ++x) to[x] = level[line[3 * x + c]];
        for (int slot = first + 1; slot <= last; ++slot) std::memcpy(to + (slot - first) * patch, to, p * sizeof(float));
      }
    }
  }
}

void check_frames(std::span<const Image> frames) {
  if (frames.empty()) throw Error(Code::kInvalidInput, "video", "it has no frames");
  for (std::size_t i = 1; i < frames.size(); ++i)
    if (frames[i].width != frames[0].width || frames[i].height != frames[0].height)
      throw Error(
          Code::kInvalidInput, format("frame {}", i + 1),
          format("is {} x {} pixels, the first frame is {} x {}", frames[i].width, frames[i].height, frames[0].width, frames[0].height),
          "all frames of a video must have one size");
}

}  // namespace

PatchConfig read_patch_config(const std::string& dir) {
  const std::string path = dir + "/preprocessor_config.json";
  const Json json = read_json(path);
  refuse_other_steps(json, path);
  PatchConfig c;
  c.patch_size = json_get<int>(json, "patch_size", c.patch_size, path);
  c.temporal_patch_size = json_get<int>(json, "temporal_patch_size", c.temporal_patch_size, path);
  c.merge_size = json_get<int>(json, "merge_size", c.merge_size, path);
  // Qwen2-VL and 2.5-VL name the budget min_pixels/max_pixels; Qwen3-VL's published file has only `size`.
  const Json size = json_get<Json>(json, "size", Json::object(), path);
  c.min_pixels = json_get<std::int64_t>(json, "min_pixels", json_get<std::int64_t>(size, "shortest_edge", c.min_pixels, path), path);
  c.max_pixels = json_get<std::int64_t>(json, "max_pixels", json_get<std::int64_t>(size, "longest_edge", c.max_pixels, path), path);
  c.image_mean = read_triple(json, "image_mean", c.image_mean, path);
  c.image_std = read_triple(json, "image_std", c.image_std, path);
  read_video_budget(dir, c);
  check_config(c, path);
  return c;
}

namespace {

// smart_resize of `frames` frames at once, which count as `whole_frames` when their pixels are added up.
Size fit(Size size, int factor, std::int64_t min_pixels, std::int64_t max_pixels, double frames, double whole_frames) {
  if (size.width < 1 || size.height < 1) throw Error(Code::kInvalidInput, "picture", format("is {} x {} pixels", size.width, size.height));
  const double w = size.width, h = size.height, f = factor;
  if (std::max(w, h) / std::min(w, h) > kMaxAspect)
    throw Error(Code::kInvalidInput, "picture", format("{} x {} pixels is longer than {}:1", size.width, size.height, kMaxAspect),
                "crop it, or pad its short side");
  double out_w = std::nearbyint(w / f) * f, out_h = std::nearbyint(h / f) * f;
  if (whole_frames * out_w * out_h > static_cast<double>(max_pixels)) {
    const double beta = std::sqrt(frames * h * w / static_cast<double>(max_pixels));
    out_w = std::max(f, std::floor(w / beta / f) * f);
    out_h = std::max(f, std::floor(h / beta / f) * f);
  } else if (whole_frames * out_w * out_h < static_cast<double>(min_pixels)) {
    const double beta = std::sqrt(static_cast<double>(min_pixels) / (frames * h * w));
    out_w = std::ceil(w * beta / f) * f;
    out_h = std::ceil(h * beta / f) * f;
  }
  if (out_w > 1e6 || out_h > 1e6)
    throw Error(Code::kInvalidInput, "picture", format("{} x {} pixels would be resized to {} x {}", size.width, size.height, out_w, out_h),
                "lower min_pixels");
  return {static_cast<int>(out_w), static_cast<int>(out_h)};
}

Patches cut(std::span<const Image> frames, Size to, const PatchConfig& config) {
  const int p = config.patch_size, t = config.temporal_patch_size;
  Patches out;
  out.grid_t = (static_cast<int>(frames.size()) + t - 1) / t;
  out.grid_h = to.height / p;
  out.grid_w = to.width / p;
  const std::int64_t rows = std::int64_t{out.grid_h} * out.grid_w;
  const std::size_t step = std::size_t{3} * t * p * p * rows;
  out.values.resize(step * out.grid_t);
  const Levels levels = levels_of(config);
  const int count = static_cast<int>(frames.size());
  for (int i = 0; i < count; ++i) {
    const bool fits = frames[i].width == to.width && frames[i].height == to.height;
    const int first = i % t, last = i + 1 == count ? t - 1 : first;  // the last frame fills up its patches
    const Image resized = fits ? Image{} : resize_bicubic(frames[i], to);
    write_frame(fits ? frames[i] : resized, config, levels, first, last, out.values.data() + step * (i / t));
  }
  return out;
}

}  // namespace

Size smart_resize(Size size, int factor, std::int64_t min_pixels, std::int64_t max_pixels) {
  return fit(size, factor, min_pixels, max_pixels, 1, 1);
}

Size video_size(Size size, int frames, const PatchConfig& config) {
  const int factor = config.patch_size * config.merge_size, t = config.temporal_patch_size;
  if (config.video_max_pixels == 0) return smart_resize(size, factor, config.min_pixels, config.max_pixels);
  const double whole = std::max(1.0, std::nearbyint(static_cast<double>(frames) / t)) * t;
  const auto most =
      static_cast<std::int64_t>(std::min(static_cast<double>(config.video_max_pixels), whole * static_cast<double>(config.max_pixels)));
  return fit(size, factor, std::min(config.video_min_pixels, most), most, std::max(frames, t), whole);
}

Patches patchify(const Image& image, const PatchConfig& config) {
  const int factor = config.patch_size * config.merge_size;
  return cut(std::span(&image, 1), smart_resize({image.width, image.height}, factor, config.min_pixels, config.max_pixels), config);
}

Patches patchify_video(std::span<const Image> frames, const PatchConfig& config) {
  check_frames(frames);
  return cut(frames, video_size({frames[0].width, frames[0].height}, static_cast<int>(frames.size()), config), config);
}

}  // namespace beholder::media
