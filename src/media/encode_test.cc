#include "media/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "media/testing.h"
#include "media/video.h"

namespace beholder::media {
namespace {

using testing::bytes_of;
using testing::code_of;
using testing::synth;

std::vector<Image> clip(int frames) {
  std::vector<Image> out;
  for (int i = 0; i < frames; ++i) out.push_back(synth(32, 16, static_cast<std::uint32_t>(i)));
  return out;
}

VideoFrames read_back(const std::string& file) {
  return decode_video(bytes_of(file), "test", {.fps = 1000, .max_frames = 100});
}

TEST(EncodeVideo, AnimatedWebpHasEveryPixelAndTime) {
  const std::vector<Image> frames = clip(5);
  const VideoFrames read = read_back(encode_webp_animation(frames, 4));
  EXPECT_EQ(read.format, "webp");
  ASSERT_EQ(read.frames.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(read.frames[i].rgb, frames[i].rgb) << i;
    EXPECT_DOUBLE_EQ(read.times_s[i], 0.25 * static_cast<double>(i));
  }
}

TEST(EncodeVideo, EqualFramesKeepTheClipsLength) {
  const std::vector<Image> frames(3, synth(16, 16, 1));
  EXPECT_EQ(read_back(encode_webp_animation(frames, 2)).frames.back().rgb, frames[0].rgb);
}

TEST(EncodeVideo, Mp4ComesBackNearlyTheSame) {
  std::vector<Image> frames;
  for (int i = 0; i < 8; ++i) {  // a bright bar that moves
    Image image{64, 64, std::vector<std::uint8_t>(64 * 64 * 3, 60)};
    for (std::size_t y = 0; y < 64; ++y)
      for (std::size_t x = 0; x < 8; ++x)
        for (std::size_t c = 0; c < 3; ++c) image.rgb[(y * 64 + x + 7 * static_cast<std::size_t>(i)) * 3 + c] = 200;
    frames.push_back(image);
  }
  std::string file;
  const auto code = code_of([&] { file = encode_mp4(frames, 4); });
  if (code == Code::kUnsupported) GTEST_SKIP() << "no video library or encoder here";
  ASSERT_FALSE(code);
  EXPECT_EQ(file, encode_mp4(frames, 4));
  const VideoFrames read = read_back(file);
  ASSERT_EQ(read.frames.size(), 8u);
  EXPECT_NEAR(read.times_s[7], 1.75, 1e-3);
  for (std::size_t i = 0; i < 8; ++i) {
    double error = 0;
    for (std::size_t k = 0; k < frames[i].rgb.size(); ++k) error += std::abs(int{read.frames[i].rgb[k]} - int{frames[i].rgb[k]});
    EXPECT_LT(error / static_cast<double>(frames[i].rgb.size()), 4) << i;
  }
}

TEST(EncodeVideo, BadFramesAreRefused) {
  std::vector<Image> frames = clip(2);
  EXPECT_EQ(code_of([&] { encode_webp_animation({}, 4); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([&] { encode_webp_animation(frames, 0); }), Code::kInvalidInput);
  frames.push_back(synth(16, 16, 0));
  EXPECT_EQ(code_of([&] { encode_webp_animation(frames, 4); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([&] { encode_mp4(frames, 4); }), Code::kInvalidInput);
  const std::vector<Image> odd{synth(15, 16, 0)};
  EXPECT_EQ(code_of([&] { encode_mp4(odd, 4); }), Code::kUnsupported);
}

}  // namespace
}  // namespace beholder::media
