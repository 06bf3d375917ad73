#include "media/preprocess.h"

#include <gtest/gtest.h>

#include <cstring>

#include "media/resample.h"
#include "media/testing.h"

namespace beholder::media {
namespace {

using testing::code_of;
using testing::expected;
using testing::sha_of;
using testing::synth;

TEST(ResizeOracle, EverySizeIsPillowsToTheBit) {
  int vertical_first = 0, checked = 0;
  for (const Json& want : expected()["resize"]) {
    SCOPED_TRACE(want.dump());
    const Image from = synth(want["from"][0], want["from"][1], want["seed"]);
    const Image to = resize_bicubic(from, {want["to"][0], want["to"][1]});
    EXPECT_EQ(to.width, want["to"][0].get<int>());
    EXPECT_EQ(sha_of(to), want["sha256"].get<std::string>());
    vertical_first += want["vertical_first"].get<bool>();
    ++checked;
  }
  EXPECT_GE(checked, 60);
  EXPECT_GE(vertical_first, 15);
  EXPECT_GE(checked - vertical_first, 15);
}

TEST(ResizeInvariant, FastAndPortablePassesAgree) {
  const ResampleKernels fast = avx2_kernels(), plain = portable_kernels();
  if (!fast.horizontal) GTEST_SKIP() << "this processor has no AVX2";
  for (const auto& [in, out] : {std::pair{1, 9}, {2, 3}, {5, 4}, {17, 90}, {90, 17}, {400, 3}, {31, 31}, {64, 63}})
    for (const int other : {1, 2, 3, 5, 6, 16, 33}) {
      SCOPED_TRACE(std::to_string(in) + " -> " + std::to_string(out) + ", other side " + std::to_string(other));
      const Taps taps = bicubic_taps(in, out);
      const Image wide = synth(in, other, 1), tall = synth(other, in, 2);
      std::vector<std::uint8_t> a(std::size_t{3} * out * other), b = a;
      fast.horizontal({wide.rgb.data(), in, other}, taps, a.data());
      plain.horizontal({wide.rgb.data(), in, other}, taps, b.data());
      EXPECT_EQ(a, b);
      fast.vertical({tall.rgb.data(), other, in}, taps, a.data());
      plain.vertical({tall.rgb.data(), other, in}, taps, b.data());
      EXPECT_EQ(a, b);
    }
}

// Pure black and white edges overshoot in both directions: the clamps must hold.
TEST(ResizeInvariant, OvershootIsClampedAlike) {
  Image image = synth(40, 40, 0);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = i / 3 % 40 / 5 % 2 ? 255 : 0;
  const Taps taps = bicubic_taps(40, 97);
  std::vector<std::uint8_t> plain(std::size_t{3} * 97 * 40);
  portable_kernels().horizontal({image.rgb.data(), 40, 40}, taps, plain.data());
  EXPECT_EQ(*std::min_element(plain.begin(), plain.end()), 0);
  EXPECT_EQ(*std::max_element(plain.begin(), plain.end()), 255);
  std::vector<std::uint8_t> used(plain.size());
  resample_horizontal({image.rgb.data(), 40, 40}, taps, used.data());
  EXPECT_EQ(used, plain);
}

TEST(SmartResizeOracle, EverySizeIsTransformers) {
  int checked = 0;
  for (const Json& row : expected()["smart_resize"]) {
    const Size to = smart_resize({row[0], row[1]}, row[2], row[3], row[4]);
    EXPECT_EQ(to.width, row[5].get<int>()) << row.dump();
    EXPECT_EQ(to.height, row[6].get<int>()) << row.dump();
    ++checked;
  }
  EXPECT_GE(checked, 300);
}

TEST(SmartResize, RefusesStripsAndEmptyPictures) {
  EXPECT_EQ(code_of([] { smart_resize({40'000, 2}, 28, 3136, 1'003'520); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([] { smart_resize({201, 1}, 28, 3136, 1'003'520); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([] { smart_resize({200, 1}, 28, 3136, 1'003'520); }), std::nullopt);
  EXPECT_EQ(code_of([] { smart_resize({0, 10}, 28, 3136, 1'003'520); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([] { smart_resize({10, -1}, 28, 3136, 1'003'520); }), Code::kInvalidInput);
}

PatchConfig config_of(const Json& json) {
  PatchConfig c;
  c.patch_size = json.value("patch_size", c.patch_size);
  c.temporal_patch_size = json.value("temporal_patch_size", c.temporal_patch_size);
  c.merge_size = json.value("merge_size", c.merge_size);
  c.min_pixels = json.value("min_pixels", c.min_pixels);
  c.max_pixels = json.value("max_pixels", c.max_pixels);
  c.image_mean = json.value("image_mean", c.image_mean);
  c.image_std = json.value("image_std", c.image_std);
  return c;
}

TEST(PatchifyOracle, ImagesAndVideosAreTransformersToTheBit) {
  int checked = 0;
  for (const Json& want : expected()["patches"]) {
    SCOPED_TRACE(want.dump());
    std::vector<Image> frames;
    for (int i = 0; i < want["frames"].get<int>(); ++i)
      frames.push_back(synth(want["size"][0], want["size"][1], want["seed"].get<std::uint32_t>() + i));
    const PatchConfig config = config_of(expected()["patch_configs"][want["config"].get<std::string>()]);
    const Patches patches = frames.size() == 1 ? patchify(frames[0], config) : patchify_video(frames, config);
    ASSERT_EQ(Json({patches.grid_t, patches.grid_h, patches.grid_w}), want["grid"]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(patches.values[i], want["first"][i].get<float>());
    EXPECT_EQ(sha256_hex(std::as_bytes(std::span(patches.values))), want["sha256"].get<std::string>());
    ++checked;
  }
  EXPECT_GE(checked, 40);
}

TEST(VideoSizeOracle, FramesAreBudgetedTogetherAsTransformersDoes) {
  int checked = 0;
  for (const Json& row : expected()["video_size"]) {
    SCOPED_TRACE(row.dump());
    PatchConfig config{.patch_size = 16, .max_pixels = std::int64_t{1} << 30};
    config.video_min_pixels = row[3];
    config.video_max_pixels = row[4];
    const Size to = video_size({row[1], row[2]}, row[0], config);
    EXPECT_EQ(to.width, row[5].get<int>());
    EXPECT_EQ(to.height, row[6].get<int>());
    ++checked;
  }
  EXPECT_GE(checked, 100);
}

TEST(VideoSize, EachFrameStaysWithinThePictureBudget) {
  PatchConfig config{.patch_size = 16, .max_pixels = 64 * 64};
  const Size single = smart_resize({640, 480}, 32, config.min_pixels, config.max_pixels);
  EXPECT_EQ(video_size({640, 480}, 4, config).width, single.width) << "without a budget for videos";
  config.video_min_pixels = 4096;
  config.video_max_pixels = 25165824;
  const Size four = video_size({640, 480}, 4, config), one = video_size({640, 480}, 1, config);
  EXPECT_LE(four.width * four.height, 64 * 64);
  EXPECT_LE(one.width * one.height, 64 * 64);
  EXPECT_EQ(code_of([&] { video_size({6400, 30}, 4, config); }), Code::kInvalidInput);
}

TEST(Patchify, RefusesNoFramesAndMixedSizes) {
  EXPECT_EQ(code_of([] { patchify_video({}, {}); }), Code::kInvalidInput);
  const std::vector<Image> mixed{synth(60, 60, 0), synth(60, 61, 0)};
  EXPECT_EQ(code_of([&] { patchify_video(mixed, {}); }), Code::kInvalidInput);
}

std::optional<Code> config_code(const std::string& json) {
  const TempDir dir;
  write_file_atomic(dir / "preprocessor_config.json", json);
  return code_of([&] { read_patch_config(dir.path()); });
}

TEST(PatchConfig, ReadsBothWaysToNameTheBudget) {
  const TempDir dir;
  write_file_atomic(dir / "preprocessor_config.json",
                    R"({"patch_size": 16, "size": {"shortest_edge": 65536, "longest_edge": 16777216}, "image_mean": [0.5, 0.5, 0.5]})");
  const PatchConfig by_size = read_patch_config(dir.path());
  EXPECT_EQ(by_size.patch_size, 16);
  EXPECT_EQ(by_size.min_pixels, 65536);
  EXPECT_EQ(by_size.max_pixels, 16777216);
  EXPECT_EQ(by_size.image_mean[2], 0.5);
  write_file_atomic(dir / "preprocessor_config.json", R"({"min_pixels": 3136, "max_pixels": 12845056, "size": {"shortest_edge": 1}})");
  EXPECT_EQ(read_patch_config(dir.path()).min_pixels, 3136);
}

TEST(PatchConfig, ReadsTheBudgetOfVideosWhereTheFamilyHasOne) {
  const TempDir dir;
  const auto read_with = [&](const std::string& video) {
    write_file_atomic(dir / "preprocessor_config.json",
                      R"({"patch_size": 16, "size": {"shortest_edge": 65536, "longest_edge": 16777216}})");
    write_file_atomic(dir / "video_preprocessor_config.json", video);
    return read_patch_config(dir.path());
  };
  const std::string type = R"("video_processor_type": "Qwen3VLVideoProcessor")";
  const PatchConfig c = read_with("{" + type + R"(, "patch_size": 16, "size": {"shortest_edge": 4096, "longest_edge": 25165824}})");
  EXPECT_EQ(c.video_min_pixels, 4096);
  EXPECT_EQ(c.video_max_pixels, 25165824);
  EXPECT_EQ(c.min_pixels, 65536);
  EXPECT_EQ(read_with(R"({"video_processor_type": "Qwen2VLVideoProcessor", "size": {"longest_edge": 5}})").video_max_pixels, 0);
  EXPECT_EQ(read_with("{" + type + "}").video_max_pixels, 32 * 32 * 768);
  EXPECT_EQ(code_of([&] { read_with("{" + type + R"(, "patch_size": 14})"); }), Code::kUnsupported);
  EXPECT_EQ(code_of([&] { read_with("{" + type + R"(, "image_std": [1, 1, 1]})"); }), Code::kUnsupported);
  EXPECT_EQ(code_of([&] { read_with("{" + type + R"(, "size": {"shortest_edge": 9, "longest_edge": 8}})"); }), Code::kCorrupt);
  EXPECT_EQ(code_of([&] { read_with("{"); }), Code::kCorrupt);
}

TEST(PatchConfig, RefusesWhatItCannotDo) {
  EXPECT_EQ(config_code("{}"), std::nullopt);
  EXPECT_EQ(config_code(R"({"patch_size": 0})"), Code::kCorrupt);
  EXPECT_EQ(config_code(R"({"patch_size": "x"})"), Code::kCorrupt);
  EXPECT_EQ(config_code(R"({"image_std": [1, 1]})"), Code::kCorrupt);
  EXPECT_EQ(config_code(R"({"image_std": [1, 1, 0]})"), Code::kCorrupt);
  EXPECT_EQ(config_code(R"({"min_pixels": 100, "max_pixels": 10})"), Code::kCorrupt);
  EXPECT_EQ(config_code(R"({"do_resize": false})"), Code::kUnsupported);
  EXPECT_EQ(config_code(R"({"resample": 2})"), Code::kUnsupported);
  EXPECT_EQ(config_code(R"({"rescale_factor": 1.0})"), Code::kUnsupported);
  EXPECT_EQ(code_of([] { read_patch_config("/nowhere"); }), Code::kNotFound);
}

}  // namespace
}  // namespace beholder::media
