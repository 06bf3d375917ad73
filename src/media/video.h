// Frames of a video file: which ones, when they are shown, and their pixels. Any thread may call.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media/image.h"

namespace beholder::media {

// Which frames of a video are taken.
enum class FrameRule {
  kSpread,        // times 0, 1/fps, … up to the last frame's; where these are more than max_frames, so many from first to last
  kVisionReward,  // its released code: up to the last frame's time rounded (half to even), and of these the first max_frames
};

struct VideoOptions {
  double fps = 1.0;  // frames to take per second of video, > 0
  int max_frames = 24;
  DecodeLimits limits{};  // of one frame
  FrameRule rule = FrameRule::kSpread;
};

struct VideoFrames {
  std::vector<Image> frames;    // all of one size, turned as the file's display matrix says
  std::vector<int> indices;     // of the chosen frames, in display order, from 0
  std::vector<double> times_s;  // when each is shown, from the video's first frame
  double fps = 0;               // chosen frames per second: (n - 1) / (last - first time); the option's value when n = 1
  int total_frames = 0;         // in the file
  std::string format;           // "mp4", "matroska", "avi", "gif", "webp", …; a still picture's format for one
};

// Reads containers (MP4/MOV, Matroska/WebM, AVI, MPEG, Ogg, FLV, ASF), animated GIF, PNG and WebP; a still picture is a
// video of one frame. kUnsupported where the build has no video library or the codec is unknown, kCorrupt for damaged or
// cut files, kResource over the limits, kUsage for bad options.
VideoFrames load_video(const std::string& path, const VideoOptions& options = {});
VideoFrames decode_video(std::span<const std::byte> bytes, std::string_view where, const VideoOptions& options = {});

// The frames to take from a video whose frames are shown at `times_s` (ascending, from 0): to every time of the rule the nearest one, of
// two the earlier. Ascending, no index twice, never empty for a non-empty video.
std::vector<int> choose_frames(std::span<const double> times_s, double fps, int max_frames, FrameRule rule = FrameRule::kSpread);

}  // namespace beholder::media
