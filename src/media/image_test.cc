#include "media/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/contact_sheet.h"
#include "media/media_info.h"
#include "media/orientation.h"
#include "media/testing.h"

namespace beholder::media {
namespace {

using testing::bytes_of;
using testing::code_of;
using testing::expected;
using testing::fixture;
using ::testing::HasSubstr;
using testing::sha_of;
using testing::synth;

bool readable_here(std::string_view name) {
#if BEHOLDER_AVIF
  return true;
#else
  return !name.ends_with(".avif");
#endif
}

TEST(ImageOracle, EveryKindDecodesToPillowsPixels) {
  int checked = 0;
  for (const auto& [name, want] : expected()["pictures"].items()) {
    if (!readable_here(name)) continue;
    SCOPED_TRACE(name);
    const Image image = load_image(fixture(name));
    EXPECT_EQ(image.width, want["width"].get<int>());
    EXPECT_EQ(image.height, want["height"].get<int>());
    EXPECT_EQ(sha_of(image), want["sha256_rgb"].get<std::string>());
    ++checked;
  }
  EXPECT_GE(checked, 60);
}

TEST(ImageOracle, ProbeSaysTheSameFromTheHeader) {
  for (const auto& [name, want] : expected()["pictures"].items()) {
    if (!readable_here(name)) continue;
    SCOPED_TRACE(name);
    const std::string bytes = read_file(fixture(name));
    const ImageInfo info = probe_image(bytes_of(bytes), name);
    EXPECT_EQ(info.width, want["width"].get<int>());
    EXPECT_EQ(info.height, want["height"].get<int>());
    EXPECT_EQ(info.orientation, want["orientation"].get<int>());
    EXPECT_EQ(info.frames, want["frames"].get<int>());
    EXPECT_EQ(name.substr(0, info.format.size()), info.format);
  }
}

TEST(Image, EncodedPngComesBackTheSame) {
  for (const auto& [w, h] : {std::pair{1, 1}, {37, 5}, {64, 64}}) {
    const Image image = synth(w, h, 3);
    const Image back = decode_image(bytes_of(encode_png(image)), "png");
    EXPECT_EQ(back.width, w);
    EXPECT_EQ(back.height, h);
    EXPECT_EQ(back.rgb, image.rgb);
  }
}

TEST(Image, OrientationsUndoEachOther) {
  const Image image = synth(7, 4, 1);
  const int inverse[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
  for (int o = 1; o <= 8; ++o) {
    const Image turned = apply_orientation(image, o);
    EXPECT_EQ(turned.width, o >= 5 ? 4 : 7);
    EXPECT_EQ(apply_orientation(turned, inverse[o]).rgb, image.rgb) << o;
    EXPECT_EQ(turned.rgb == image.rgb, o == 1) << o;
  }
}

TEST(Image, LimitsHoldBeforeDecoding) {
  const std::string bytes = read_file(fixture("jpeg_420.jpg"));
  const auto with = [&](DecodeLimits limits) { return code_of([&] { decode_image(bytes_of(bytes), "x", limits); }); };
  EXPECT_EQ(with({}), std::nullopt);
  EXPECT_EQ(with({.max_pixels = 61 * 45}), std::nullopt);
  EXPECT_EQ(with({.max_pixels = 61 * 45 - 1}), Code::kResource);
  EXPECT_EQ(with({.max_side = 60}), Code::kResource);
  EXPECT_EQ(with({.max_file_bytes = 100}), Code::kResource);
}

TEST(Image, LongStripsDecode) {
  const Image strip = decode_image(bytes_of(encode_png(synth(40'000, 2, 0))), "strip");
  EXPECT_EQ(strip.width, 40'000);
  EXPECT_EQ(strip.height, 2);
}

std::string message_for(const std::string& bytes) {
  try {
    decode_image(bytes_of(bytes), "photo.png");
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + "|" + error.what();
  }
  return "no error";
}

TEST(Image, AFileThatIsNoPictureIsNamed) {
  EXPECT_THAT(message_for("Hello, this is text.\n"), HasSubstr("unsupported|photo.png"));
  EXPECT_THAT(message_for("Hello, this is text.\n"), HasSubstr("text \"Hello, this is text. \""));
  EXPECT_THAT(message_for("<!DOCTYPE html><html>404"), HasSubstr("web page"));
  EXPECT_THAT(message_for("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(message_for(std::string("\0\0\0\x18"
                                      "ftypisom\0\0\0\0isom",
                                      20)),
              HasSubstr("video"));
  EXPECT_THAT(message_for(std::string("\0\0\0\x18"
                                      "ftypheic\0\0\0\0heic",
                                      20)),
              HasSubstr("HEIC"));
  EXPECT_THAT(message_for("\x01\x02\x03\xff"), HasSubstr("bytes 01 02 03 ff"));
  EXPECT_THAT(message_for(""), HasSubstr("corrupt|photo.png: the file is empty"));
  EXPECT_THAT(message_for("\x89PN"), HasSubstr("corrupt|photo.png: the file ends after 3 bytes"));
}

TEST(Image, MissingFilesAndFoldersAreErrors) {
  EXPECT_EQ(code_of([] { load_image("/nowhere/x.png"); }), Code::kNotFound);
  EXPECT_EQ(code_of([] { load_image(fixture("")); }), Code::kInvalidInput);
  EXPECT_EQ(code_of([] { media_info_json("/nowhere/x.png"); }), Code::kNotFound);
}

TEST(Image, CacheNamesDependOnSizeAndPixels) {
  const Image wide{4, 1, std::vector<std::uint8_t>(12, 255)}, square{2, 2, std::vector<std::uint8_t>(12, 255)};
  Image other = square;
  other.rgb[11] = 254;
  EXPECT_NE(content_hash(wide), content_hash(square));
  EXPECT_NE(content_hash(other), content_hash(square));
  EXPECT_EQ(content_hash(square), content_hash(Image(square)));
}

TEST(Image, InfoDescribesTheTurnedPicture) {
  const Json info = media_info_json(fixture("jpeg_exif_6.jpg"));
  EXPECT_EQ(info["format"], "jpeg");
  EXPECT_EQ(info["width"], 16);
  EXPECT_EQ(info["height"], 24);
  EXPECT_EQ(info["orientation"], 6);
  EXPECT_EQ(info["frames"], 1);
  EXPECT_EQ(info["sha256_rgb"], expected()["pictures"]["jpeg_exif_6.jpg"]["sha256_rgb"]);
}

TEST(Image, ContactSheetPlacesEveryPicture) {
  const Image red{10, 5, [] {
                    std::vector<std::uint8_t> v(150);
                    for (std::size_t i = 0; i < v.size(); i += 3) v[i] = 255;
                    return v;
                  }()};
  const std::vector<Image> images(3, red);
  const Image sheet = contact_sheet(images, 2, 20);
  EXPECT_EQ(sheet.width, 2 * 20 + 3 * 4);
  EXPECT_EQ(sheet.height, 2 * 20 + 3 * 4);
  const auto at = [&](int x, int y) {
    return std::vector<int>(sheet.rgb.begin() + 3 * (y * sheet.width + x), sheet.rgb.begin() + 3 * (y * sheet.width + x) + 3);
  };
  const std::vector<int> is_red{255, 0, 0}, is_light{245, 245, 245};
  for (const auto& [left, top] : {std::pair{4, 4}, {28, 4}, {4, 28}}) {
    EXPECT_EQ(at(left, top), is_light);            // above the letterboxed picture
    EXPECT_EQ(at(left, top + 5), is_red);          // its first row
    EXPECT_EQ(at(left + 19, top + 14), is_red);    // its last pixel
    EXPECT_EQ(at(left + 10, top + 15), is_light);  // below it
  }
  EXPECT_EQ(at(28 + 10, 28 + 10), is_light);  // the fourth cell is empty
  EXPECT_EQ(code_of([] { contact_sheet({}, 2, 20); }), Code::kInvalidInput);
}

}  // namespace
}  // namespace beholder::media
