// Damaged input never crashes: every cut and many flipped bits of every kind of file give an Error or a picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/rng.h"
#include "media/media_info.h"
#include "media/testing.h"

namespace beholder::media {
namespace {

using testing::bytes_of;
using testing::code_of;
using testing::fixture;

const std::vector<const char*> kPictures{"jpeg_420.jpg",
                                         "jpeg_progressive.jpg",
                                         "jpeg_cmyk.jpg",
                                         "jpeg_exif_6.jpg",
                                         "png_rgb8.png",
                                         "png_palette4_alpha_interlaced.png",
                                         "png_grey16_interlaced.png",
                                         "png_exif_8.png",
                                         "webp_lossy.webp",
                                         "webp_alpha_lossless.webp",
                                         "webp_exif_6.webp",
                                         "gif_palette.gif",
                                         "gif_transparent.gif",
                                         "avif_alpha.avif",
                                         "avif_exif_7.avif"};
const std::vector<const char*> kVideos{"h264_corner.mp4", "mjpeg.mov", "vp9.webm", "mpeg4.avi", "gif_animated.gif", "webp_animated.webp"};

// Small limits keep a flipped size field from costing time; the sizes of the fixtures are far below.
constexpr DecodeLimits kSmall{.max_pixels = 1 << 20, .max_side = 4096};

// Decodes and checks that what comes back is whole. Returns the error's code, if any.
std::optional<Code> try_image(const std::string& bytes) {
  return code_of([&] {
    const Image image = decode_image(bytes_of(bytes), "hostile", kSmall);
    ASSERT_GT(image.width, 0);
    ASSERT_GT(image.height, 0);
    ASSERT_EQ(image.rgb.size(), std::size_t{3} * image.width * image.height);
  });
}

std::optional<Code> try_video(const std::string& bytes) {
  return code_of([&] {
    const VideoFrames video = decode_video(bytes_of(bytes), "hostile", {.fps = 4, .max_frames = 4, .limits = kSmall});
    ASSERT_FALSE(video.frames.empty());
    ASSERT_EQ(video.frames.size(), video.indices.size());
    ASSERT_EQ(video.frames.size(), video.times_s.size());
    for (const Image& image : video.frames) ASSERT_EQ(image.rgb.size(), std::size_t{3} * image.width * image.height);
  });
}

bool acceptable(std::optional<Code> code) {
  return !code || *code == Code::kCorrupt || *code == Code::kUnsupported || *code == Code::kResource || *code == Code::kInvalidInput;
}

std::string flipped(std::string bytes, Rng& rng) {
  const std::uint64_t changes = 1 + rng.below(4);
  // Half of the changes go to the headers, where they hurt most.
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::size_t range = rng.chance(0.5) ? std::min<std::size_t>(bytes.size(), 200) : bytes.size();
    bytes[rng.below(range)] = static_cast<char>(rng.bits32());
  }
  return bytes;
}

TEST(Hostile, EveryCutPictureIsAnErrorOrAPicture) {
  for (const char* name : kPictures) {
    const std::string whole = read_file(fixture(name));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto code = try_image(whole.substr(0, size));
      EXPECT_TRUE(acceptable(code)) << name << " cut to " << size;
      if (size < whole.size() / 2) {
        EXPECT_TRUE(code.has_value()) << name << " cut to " << size << " passed as whole";
      }
    }
  }
}

TEST(Hostile, FlippedBytesOfPictures) {
  for (const char* name : kPictures) {
    const std::string whole = read_file(fixture(name));
    Rng rng(1, stable_hash(name));
    for (int i = 0; i < 400; ++i) EXPECT_TRUE(acceptable(try_image(flipped(whole, rng)))) << name << ", change " << i;
  }
}

TEST(Hostile, CutVideos) {
  for (const char* name : kVideos) {
    const std::string whole = read_file(fixture(name));
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 150)
      EXPECT_TRUE(acceptable(try_video(whole.substr(0, size)))) << name << " cut to " << size;
  }
}

TEST(Hostile, FlippedBytesOfVideos) {
  for (const char* name : kVideos) {
    const std::string whole = read_file(fixture(name));
    Rng rng(2, stable_hash(name));
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(acceptable(try_video(flipped(whole, rng)))) << name << ", change " << i;
  }
}

TEST(Hostile, ACutMp4IsCorrupt) {
  const std::string whole = read_file(fixture("h264_b_frames.mp4"));
  const auto code = try_video(whole.substr(0, whole.size() - 300));
#if BEHOLDER_VIDEO
  EXPECT_EQ(code, Code::kCorrupt);
#else
  EXPECT_EQ(code, Code::kUnsupported);
#endif
}

// Rewrites the size in a PNG header and mends the checksum, so that only the limit can refuse it.
std::string bomb(std::uint32_t width, std::uint32_t height) {
  std::string png = encode_png(testing::synth(8, 8, 0));
  const auto put = [&](std::size_t at, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) png[at + i] = static_cast<char>(v >> (24 - 8 * i));
  };
  put(16, width);
  put(20, height);
  std::uint32_t crc = ~0u;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<unsigned char>(png[i]);
    for (int b = 0; b < 8; ++b) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  put(29, ~crc);
  return png;
}

TEST(Hostile, BombsAreRefusedByTheirHeader) {
  const auto with_defaults = [](const std::string& bytes) { return code_of([&] { decode_image(bytes_of(bytes), "bomb"); }); };
  EXPECT_EQ(with_defaults(bomb(60'000, 60'000)), Code::kResource);
  EXPECT_EQ(with_defaults(bomb(0x7fffffff, 1)), Code::kResource);
  EXPECT_EQ(with_defaults(bomb(0, 8)), Code::kCorrupt);
  EXPECT_EQ(with_defaults(bomb(8, 9)), Code::kCorrupt);  // within the limits, but the data end early
  EXPECT_EQ(with_defaults(bomb(8, 8)), std::nullopt);
}

TEST(Hostile, JpegScansAreCounted) {
  const std::string whole = read_file(fixture("jpeg_progressive.jpg"));
  // The last scan once more, many times: each costs a pass over the picture.
  const std::size_t last = whole.rfind("\xff\xda");
  ASSERT_NE(last, std::string::npos);
  const std::string scan = whole.substr(last, whole.size() - 2 - last);
  std::string many = whole.substr(0, whole.size() - 2);
  for (int i = 0; i < 600; ++i) many += scan;
  many += "\xff\xd9";
  EXPECT_EQ(try_image(many), Code::kCorrupt);
}

}  // namespace
}  // namespace beholder::media
