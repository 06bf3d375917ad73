#include "media/video.h"

#include <gtest/gtest.h>

#include <cmath>

#include "media/media_info.h"
#include "media/testing.h"

namespace beholder::media {
namespace {

using testing::bytes_of;
using testing::code_of;
using testing::fixture;

TEST(ChooseFrames, TakesTheNearestFrameToEveryTime) {
  std::vector<double> times;
  for (int i = 0; i < 73; ++i) times.push_back(i / 24.0);
  EXPECT_EQ(choose_frames(times, 1.0, 24), (std::vector{0, 24, 48, 72}));
  EXPECT_EQ(choose_frames(times, 2.0, 24), (std::vector{0, 12, 24, 36, 48, 60, 72}));
  EXPECT_EQ(choose_frames(times, 1.0, 3), (std::vector{0, 36, 72}));  // too many: evenly spread
  EXPECT_EQ(choose_frames(times, 1.0, 1), (std::vector{0}));
  EXPECT_EQ(choose_frames(times, 0.01, 24), (std::vector{0}));
  EXPECT_EQ(choose_frames(times, 1000.0, 100).size(), 73u);  // no frame twice
  EXPECT_EQ(choose_frames(std::vector{0.0}, 1.0, 24), (std::vector{0}));
  EXPECT_EQ(choose_frames(std::vector{0.0, 0.4, 5.0}, 1.0, 24), (std::vector{0, 1, 2}));  // uneven times
}

std::vector<double> shown_at(double fps, double last_s) {
  std::vector<double> times;
  for (int i = 0; i <= std::lround(last_s * fps); ++i) times.push_back(i / fps);
  return times;
}

// By hand from the released code: for second in range(round(max(timestamps)) + 1), the frame nearest to it, until there are 24.
TEST(ChooseFrames, AsVisionRewardsReleasedCode) {
  const auto chosen = [](const std::vector<double>& times) { return choose_frames(times, 1.0, 24, FrameRule::kVisionReward); };
  const std::vector<double> six = shown_at(10, 5.9), forty = shown_at(10, 40);
  EXPECT_EQ(chosen(six), (std::vector{0, 10, 20, 30, 40, 50, 59}));              // the last second has no frame of its own
  EXPECT_EQ(choose_frames(six, 1.0, 24), (std::vector{0, 10, 20, 30, 40, 50}));  // and is not asked for here
  EXPECT_EQ(chosen(shown_at(10, 5.4)), (std::vector{0, 10, 20, 30, 40, 50}));
  EXPECT_EQ(chosen(shown_at(10, 2.5)), (std::vector{0, 10, 20}));  // Python rounds a half to even
  EXPECT_EQ(chosen(shown_at(10, 3.5)), (std::vector{0, 10, 20, 30, 35}));
  const std::vector<int> long_one = chosen(forty), spread = choose_frames(forty, 1.0, 24);
  ASSERT_EQ(long_one.size(), 24u);
  EXPECT_EQ(long_one.back(), 230) << "the first 24 seconds only";
  ASSERT_EQ(spread.size(), 24u);
  EXPECT_EQ(spread.back(), 400);
  EXPECT_EQ(chosen({0.0}), (std::vector{0}));
}

TEST(Video, AnimatedWebpGivesItsFrames) {
  const VideoFrames video = load_video(fixture("webp_animated.webp"), {.fps = 2.0});
  EXPECT_EQ(video.format, "webp");
  EXPECT_EQ(video.total_frames, 4);
  EXPECT_EQ(video.indices, (std::vector{0, 1, 2, 3}));
  EXPECT_EQ(video.times_s, (std::vector{0.0, 0.4, 1.0, 1.5}));
  EXPECT_EQ(video.frames[0].rgb, load_image(fixture("webp_animated.webp")).rgb);
  EXPECT_NE(video.frames[1].rgb, video.frames[0].rgb);
}

TEST(Video, AStillPictureIsAVideoOfOneFrame) {
  const VideoFrames video = load_video(fixture("jpeg_420.jpg"));
  ASSERT_EQ(video.frames.size(), 1u);
  EXPECT_EQ(video.frames[0].rgb, load_image(fixture("jpeg_420.jpg")).rgb);
  EXPECT_EQ(video.total_frames, 1);
}

TEST(Video, BadOptionsAndFilesAreErrors) {
  EXPECT_EQ(code_of([] { load_video(fixture("jpeg_420.jpg"), {.fps = 0}); }), Code::kUsage);
  EXPECT_EQ(code_of([] { load_video(fixture("jpeg_420.jpg"), {.fps = NAN}); }), Code::kUsage);
  EXPECT_EQ(code_of([] { load_video(fixture("jpeg_420.jpg"), {.max_frames = 0}); }), Code::kUsage);
  EXPECT_EQ(code_of([] { load_video("/nowhere.mp4"); }), Code::kNotFound);
  EXPECT_EQ(code_of([] { load_video(fixture("")); }), Code::kInvalidInput);
}

#if BEHOLDER_VIDEO

// frame_colour() of tools/oracle_media.py: frame i is plain.
std::vector<int> colour_of(int i) {
  return {40 + 2 * i, 200 - 2 * i, 60 + i * 29 % 120};
}

void expect_colour(const Image& frame, const std::vector<int>& want, int tolerance) {
  for (const std::size_t at : {std::size_t{0}, frame.rgb.size() / 6 * 3, frame.rgb.size() - 3})
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(frame.rgb[at + c], want[c], tolerance) << "byte " << at;
}

struct Case {
  const char* name;
  const char* format;
  int frames;
  double fps;
};

class EveryContainer : public ::testing::TestWithParam<Case> {};

TEST_P(EveryContainer, EachFrameHasItsOwnColour) {
  const auto& [name, format, frames, fps] = GetParam();
  const VideoFrames video = load_video(fixture(name), {.fps = 1000, .max_frames = 1000});
  EXPECT_EQ(video.format, format);
  ASSERT_EQ(video.total_frames, frames);
  ASSERT_EQ(static_cast<int>(video.frames.size()), frames);
  for (int i = 0; i < frames; ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(video.indices[i], i);
    EXPECT_NEAR(video.times_s[i], i / fps, 0.002);
    expect_colour(video.frames[i], colour_of(i), 12);
  }
}

TEST_P(EveryContainer, SparseFramesAreTheSameAsAllFrames) {
  const auto& [name, format, frames, fps] = GetParam();
  const VideoFrames all = load_video(fixture(name), {.fps = 1000, .max_frames = 1000});
  for (const int count : {2, 3, 5}) {
    const VideoFrames some = load_video(fixture(name), {.fps = 1000, .max_frames = count});
    ASSERT_EQ(some.frames.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) EXPECT_EQ(some.frames[i].rgb, all.frames[some.indices[i]].rgb) << some.indices[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Video, EveryContainer,
                         ::testing::Values(Case{"h264_b_frames.mp4", "mp4", 73, 24}, Case{"vp9.webm", "matroska", 35, 10},
                                           Case{"mpeg4.avi", "avi", 40, 12}, Case{"mjpeg.mov", "mp4", 12, 5}),
                         [](const auto& info) { return std::string(info.param.name).substr(0, std::string(info.param.name).find('.')); });

TEST(Video, OneFrameASecond) {
  const VideoFrames video = load_video(fixture("h264_b_frames.mp4"));
  EXPECT_EQ(video.indices, (std::vector{0, 24, 48, 72}));
  EXPECT_EQ(video.times_s, (std::vector{0.0, 1.0, 2.0, 3.0}));
  EXPECT_DOUBLE_EQ(video.fps, 1.0);
}

TEST(Video, AnEditListTrimsTheVideo) {
  const VideoFrames video = load_video(fixture("h264_trimmed.mp4"), {.fps = 8});
  EXPECT_EQ(video.total_frames, 43);
  ASSERT_EQ(video.frames.size(), 15u);
  for (int i = 0; i < 15; ++i) expect_colour(video.frames[i], colour_of(30 + 3 * i), 12);
}

// VP8 keeps reference frames that are never shown as packets of their own; packet 17 here is one.
TEST(Video, APacketThatShowsNothingIsNoDamage) {
  const VideoFrames video = load_video(fixture("vp8_hidden_frame.webm"), {.fps = 1000, .max_frames = 1000});
  ASSERT_EQ(video.frames.size(), 30u);
  for (int i = 0; i < 30; ++i) {
    SCOPED_TRACE(i);
    expect_colour(video.frames[i], colour_of(i == 17 ? 18 : i), 12);
  }
}

TEST(Video, OneFrameFileGivesOneFrame) {
  const VideoFrames video = load_video(fixture("h264_one_frame.mp4"));
  ASSERT_EQ(video.frames.size(), 1u);
  expect_colour(video.frames[0], colour_of(0), 12);
}

TEST(Video, DisplayMatrixTurnsFrames) {
  const auto corner = [](const char* name) {  // where the white quarter is: "top left", …
    const Image frame = load_video(fixture(name)).frames[0];
    const auto white = [&](int x, int y) { return frame.rgb[3 * (std::size_t{1} * y * frame.width + x) + 2] > 200; };
    const int r = frame.width - 2, b = frame.height - 2;
    return std::to_string(frame.width) + (white(1, 1)   ? " top left"
                                          : white(r, 1) ? " top right"
                                          : white(1, b) ? " bottom left"
                                                        : " bottom right");
  };
  EXPECT_EQ(corner("h264_corner.mp4"), "64 top left");
  EXPECT_EQ(corner("h264_corner_90.mp4"), "48 top right");
  EXPECT_EQ(corner("h264_corner_180.mp4"), "64 bottom right");
  EXPECT_EQ(corner("h264_corner_270.mp4"), "48 bottom left");
  EXPECT_EQ(corner("h264_corner_mirror.mp4"), "64 top right");
}

TEST(Video, AnimatedGifAndPngGiveTheirFrames) {
  const VideoFrames gif = load_video(fixture("gif_animated.gif"), {.fps = 2.0});
  EXPECT_EQ(gif.format, "gif");
  ASSERT_EQ(gif.total_frames, 6);
  EXPECT_EQ(gif.times_s, (std::vector{0.0, 0.5, 1.0, 1.5, 2.0, 2.5}));
  for (int i = 0; i < 6; ++i) {
    const Image& frame = gif.frames[i];
    EXPECT_EQ((std::vector<int>(frame.rgb.end() - 3, frame.rgb.end())), (std::vector{40 * i, 255 - 40 * i, 100})) << i;
  }
  EXPECT_EQ(gif.frames[0].rgb, load_image(fixture("gif_animated.gif")).rgb);
  const VideoFrames png = load_video(fixture("png_animated.png"), {.fps = 2.0});
  ASSERT_EQ(png.total_frames, 3);
  EXPECT_EQ(png.frames[0].rgb, load_image(fixture("png_animated.png")).rgb);
  EXPECT_EQ(png.frames[2].rgb, testing::synth(24, 16, 2).rgb);
}

TEST(Video, SoundAloneAndLimitsAreNamed) {
  EXPECT_EQ(code_of([] { load_video(fixture("sound_only.mp4")); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([] { load_video(fixture("vp9.webm"), {.limits = {.max_pixels = 1000}}); }), Code::kResource);
  EXPECT_EQ(code_of([] { load_video(fixture("vp9.webm"), {.limits = {.max_side = 60}}); }), Code::kResource);
}

TEST(Video, PlaylistsCannotReachOtherFiles) {
  const TempDir dir;
  write_file_atomic(dir / "list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" + fixture("vp9.webm") + "\n#EXT-X-ENDLIST\n");
  write_file_atomic(dir / "list.ffconcat", "ffconcat version 1.0\nfile " + fixture("vp9.webm") + "\n");
  EXPECT_EQ(code_of([&] { load_video(dir / "list.m3u8"); }), Code::kCorrupt);
  EXPECT_EQ(code_of([&] { load_video(dir / "list.ffconcat"); }), Code::kCorrupt);
}

TEST(Video, InfoListsTheChosenFrames) {
  const Json info = media_info_json(fixture("h264_b_frames.mp4"), {.max_frames = 2});
  EXPECT_EQ(info["format"], "mp4");
  EXPECT_EQ(info["frames"], 73);
  EXPECT_EQ(info["width"], 64);
  EXPECT_EQ(info["chosen_frames"], (std::vector{0, 72}));
  EXPECT_EQ(info["chosen_times_s"], (std::vector{0.0, 3.0}));
  EXPECT_EQ(info["sha256_rgb"].get<std::string>().size(), 64u);
}

#else

TEST(Video, WithoutALibraryContainersAreRefusedClearly) {
  EXPECT_EQ(code_of([] { load_video(fixture("vp9.webm")); }), Code::kUnsupported);
}

#endif

TEST(Video, KindsAreToldApart) {
  const auto kind = [](const char* name) {
    const std::string bytes = read_file(fixture(name));
    return media_kind(bytes_of(bytes));
  };
  for (const char* name :
       {"h264_one_frame.mp4", "vp9.webm", "mpeg4.avi", "mjpeg.mov", "gif_animated.gif", "webp_animated.webp", "png_animated.png"})
    EXPECT_EQ(kind(name), MediaKind::kVideo) << name;
  for (const char* name : {"jpeg_420.jpg", "gif_palette.gif", "webp_lossy.webp", "png_rgb8.png", "avif_420.avif", "expected.json"})
    EXPECT_EQ(kind(name), MediaKind::kImage) << name;
}

TEST(Video, MediaFilesAreKnownByTheirFirstBytesOrTheirNames) {
  const auto known = [](const char* name) {
    const std::string head = read_file(fixture(name)).substr(0, 512);
    return looks_like_media(bytes_of(head));
  };
  for (const char* name : {"h264_one_frame.mp4", "vp9.webm", "mpeg4.avi", "mjpeg.mov", "gif_animated.gif", "webp_animated.webp",
                           "jpeg_420.jpg", "png_rgb8.png", "avif_420.avif"})
    EXPECT_TRUE(known(name)) << name;
  EXPECT_FALSE(known("expected.json"));
  EXPECT_FALSE(looks_like_media({}));
  EXPECT_TRUE(is_image_path("x/A.JPEG") && is_image_path("a.b.webp") && !is_image_path("png") && !is_image_path("a.txt"));
  EXPECT_TRUE(is_video_path("a.MP4") && !is_video_path("a.gif"));
}

}  // namespace
}  // namespace beholder::media
