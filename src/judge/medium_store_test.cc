#include "judge/medium_store.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::judge {
namespace {

const media::PatchConfig kPatches{.patch_size = 8, .min_pixels = 256, .max_pixels = 1 << 20};

media::Image picture(int width, int height, int seed) {
  media::Image image{width, height, {}};
  for (int i = 0; i < width * height * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(i * 7 + seed));
  return image;
}

class MediumStoreTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const media::Image& image) {
    write_file_atomic(dir_ / name, media::encode_png(image));
    return dir_ / name;
  }
  TempDir dir_;
};

data::MediaRef file(const std::string& path) {
  data::MediaRef ref;
  ref.path = path;
  return ref;
}

TEST_F(MediumStoreTest, DecodesAContentOnceAndNamesItAsAsked) {
  MediumStore store(kPatches);
  const std::string a = write("a.png", picture(64, 48, 1)), copy = write("copy.png", picture(64, 48, 1)),
                    b = write("b.png", picture(64, 48, 2));
  const Medium first = store.load(file(a)), again = store.load(file(a)), second = store.load(file(copy)), other = store.load(file(b));
  EXPECT_EQ(store.hits(), 2);
  EXPECT_EQ(second.name, copy);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_NE(first.hash, other.hash);
  EXPECT_EQ(first.media.patches.data_ptr(), second.media.patches.data_ptr()) << "copies share pixels";
  EXPECT_EQ(first.media.h * 8, 48);
  EXPECT_EQ(first.media.w * 8, 64);
}

TEST_F(MediumStoreTest, TheKeyOfAMediumsFeaturesTellsTheProcessor) {
  const std::string path = write("a.png", picture(64, 48, 1));
  media::PatchConfig coarse = kPatches, dark = kPatches;
  coarse.patch_size = 16;
  dark.image_mean[1] += 0.1f;
  std::set<std::string> keys;
  for (const media::PatchConfig& patches : {kPatches, coarse, dark}) keys.insert(MediumStore(patches).load(file(path)).media.key);
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(MediumStore(kPatches).load(file(path)).media.key, MediumStore(kPatches).load(file(path)).media.key);
}

TEST_F(MediumStoreTest, WhatIsReadAheadIsTheSame) {
  MediumStore plain(kPatches), store(kPatches);
  std::vector<std::string> paths;
  const int count = static_cast<int>(MediumStore::kMostExpected) + 8;  // the last ones are not read ahead
  for (int i = 0; i < count; ++i) paths.push_back(write(format("{}.png", i), picture(64, 48, i % 20)));
  paths.push_back(dir_ / "absent.png");
  paths.insert(paths.begin() + 3, dir_ / "cut.png");
  write_file_atomic(dir_ / "cut.png", media::encode_png(picture(64, 64, 1)).substr(0, 100));
  for (const std::string& path : paths) store.expect(file(path));
  for (const std::string& path : paths) store.expect(file(path));  // once is enough
  const auto outcome = [](MediumStore& of, const std::string& path) {
    try {
      const Medium medium = of.load(file(path));
      return format("{} {} {}", medium.name, medium.hash, medium.media.patches.sum().item<double>());
    } catch (const Error& e) {
      return std::string(e.what());
    }
  };
  for (const std::string& path : paths) EXPECT_EQ(outcome(store, path), outcome(plain, path));
  for (const std::string& path : paths) EXPECT_EQ(outcome(store, path), outcome(plain, path)) << "again, from what is kept";
}

TEST_F(MediumStoreTest, ForgetsWhatIsNotLoadedAfterAll) {
  MediumStore store(kPatches);
  for (std::size_t i = 0; i < MediumStore::kMostExpected + 3; ++i) store.expect(file(dir_ / format("never {}.png", i)));
  EXPECT_EQ(store.expected(), MediumStore::kMostExpected);
  const data::MediaRef a = file(write("a.png", picture(64, 48, 1)));
  store.expect(a);
  EXPECT_EQ(store.expected(), MediumStore::kMostExpected) << "there is no room yet";
  for (int i = 0; i < 200; ++i) store.load(a);
  store.expect(a);
  store.expect(a);
  EXPECT_EQ(store.expected(), 1U) << "room was made, and once is enough";
  store.load(a);
  EXPECT_EQ(store.expected(), 0U);
}

TEST_F(MediumStoreTest, StaysWithinItsLimit) {
  const std::size_t one = 48 * 64 * 3 * 2 * sizeof(float);
  MediumStore store(kPatches, {}, 2 * one + 10);
  std::vector<std::string> paths;
  for (int i = 0; i < 4; ++i) paths.push_back(write(format("{}.png", i), picture(64, 48, i)));
  for (const std::string& path : paths) store.load(file(path));
  EXPECT_EQ(store.bytes(), 2 * one);
  store.load(file(paths[3]));
  EXPECT_EQ(store.hits(), 1);
  store.load(file(paths[0]));
  EXPECT_EQ(store.hits(), 1) << "the oldest was let go";
  MediumStore none(kPatches, {}, 10);
  none.load(file(paths[0]));
  EXPECT_EQ(none.bytes(), 0U);
}

TEST_F(MediumStoreTest, FrameListsAreVideos) {
  MediumStore store(kPatches);
  data::MediaRef ref;
  for (int i = 0; i < 4; ++i) ref.frames.push_back(write(format("f{}.png", i), picture(32, 32, i)));
  ref.fps = 4;
  const Medium video = store.load(ref);
  EXPECT_TRUE(video.media.video);
  EXPECT_EQ(video.media.t, 2);
  EXPECT_EQ(video.media.second_per_grid, 0.5);
  EXPECT_EQ(video.name, ref.frames[0]);
  ref.fps = 2;
  EXPECT_NE(store.load(ref).hash, video.hash) << "the same frames at another speed are another video";
  ref.frames.push_back(write("odd.png", picture(48, 32, 9)));
  EXPECT_THROW(store.load(ref), Error);
}

TEST_F(MediumStoreTest, LongFrameListsAreThinnedBeforeTheyAreRead) {
  MediumStore store(kPatches, {.max_frames = 3});
  data::MediaRef nine;
  for (int i = 0; i < 9; ++i)
    nine.frames.push_back(i % 4 == 0 ? write(format("f{}.png", i), picture(32, 32, i)) : std::string(dir_ / "not there.png"));
  nine.fps = 4;
  const data::MediaRef three{.path = {}, .frames = {nine.frames[0], nine.frames[4], nine.frames[8]}, .fps = 1, .bytes = nullptr};
  EXPECT_EQ(store.load(nine).hash, store.load(three).hash) << "from first to last, and as fast as before";
  EXPECT_EQ(store.hits(), 1);
}

TEST_F(MediumStoreTest, ErrorsNameTheFile) {
  MediumStore store(kPatches);
  write_file_atomic(dir_ / "text.png", "hello");
  const std::string whole = media::encode_png(picture(64, 64, 1));
  write_file_atomic(dir_ / "cut.png", whole.substr(0, whole.size() / 2));
  write_file_atomic(dir_ / "wide.png", media::encode_png(picture(4020, 10, 1)));
  for (const char* name : {"text.png", "cut.png", "wide.png", "absent.png"}) {
    try {
      store.load(file(dir_ / name));
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
      EXPECT_TRUE(e.exit_status() == 3 || e.exit_status() == 4) << e.what();  // 4: a format that is not known
    }
  }
  EXPECT_THROW(store.load(file(dir_.path())), Error);
  EXPECT_EQ(store.bytes(), 0U);
}

}  // namespace
}  // namespace beholder::judge
