#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "data/jsonl.h"
#include "media/image.h"
#include "world/make.h"
#include "world/render.h"
#include "world/sheet.h"

namespace beholder::world {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Make : public ::testing::Test {
 protected:
  void SetUp() override { set_quiet(Quiet::kYes); }
  void TearDown() override {
    set_quiet(Quiet::kNo);
    set_interrupted(false);
  }

  MakeOptions options(const std::string& name = "w") {
    MakeOptions o;
    o.out = dir_ / name;
    o.items = 4;
    return o;
  }
  static std::map<std::string, std::string> all_files(const std::string& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path().string());
    return files;
  }
  TempDir dir_;
};

TEST_F(Make, WritesRealFilesThatReadBackAsTheItems) {
  const MadeWorld made = make_world(options());
  const data::ReadResult read = data::read_records(made.records);
  ASSERT_TRUE(read.bad.empty());
  ASSERT_EQ(read.records.size(), 4u);
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Item item = make_item({}, Split::kTest, i);
    const data::Record& record = read.records[i];
    EXPECT_EQ(record.prompt, item.prompt.text());
    EXPECT_EQ(record.target.q, item.share());
    EXPECT_EQ(record.target.votes, item.votes.voters);
    for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(media::load_image(record.media[k].path).rgb, render(item.scenes[k]).rgb);
  }
  EXPECT_EQ(media::load_image(made.sheet).width, 510);
}

TEST_F(Make, OnlyTheTruthFileKnowsTheTruth) {
  const MadeWorld made = make_world(options());
  const std::string records = read_file(made.records), truth = read_file(made.truth);
  for (const char* secret : {"fault", "blur", "noise", "penalty", "preference", "thought", "quality"}) {
    EXPECT_THAT(records, Not(HasSubstr(secret)));
    EXPECT_THAT(truth, HasSubstr(secret));
  }
  EXPECT_EQ(std::count(truth.begin(), truth.end(), '\n'), 4);
}

TEST_F(Make, SameOptionsSameBytesAndNothingIsWrittenTwice) {
  const MadeWorld first = make_world(options("a"));
  EXPECT_EQ(first.kept, 0);
  EXPECT_EQ(first.written, 4 * 2 + 3);
  make_world(options("b"));
  EXPECT_EQ(all_files(dir_ / "a"), all_files(dir_ / "b"));
  fs::remove(dir_ / "a/media/test-2-1.png");
  const MadeWorld again = make_world(options("a"));
  EXPECT_EQ(again.written, 1);
  EXPECT_EQ(again.kept, 10);
  EXPECT_EQ(all_files(dir_ / "a"), all_files(dir_ / "b"));
}

TEST_F(Make, AStoppedRunGoesOn) {
  set_interrupted(true);
  EXPECT_THROW(make_world(options("a")), Error);
  set_interrupted(false);
  inject_write_failure(5, ENOSPC);
  EXPECT_THROW(make_world(options("a")), Error);
  inject_write_failure(0, 0);
  make_world(options("a"));
  make_world(options("b"));
  EXPECT_EQ(all_files(dir_ / "a"), all_files(dir_ / "b"));
}

TEST_F(Make, VideosAreFrameListsAndManyMediaRankings) {
  MakeOptions o = options();
  o.world.video = true;
  o.world.media = 3;
  o.split = "ood-generator";
  o.items = 2;
  const data::ReadResult read = data::read_records(make_world(o).records);
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0].target.ranking.size(), 3u);
  EXPECT_EQ(read.records[0].media[2].fps, 4);
  ASSERT_EQ(read.records[0].media[2].frames.size(), 8u);
  for (const std::string& frame : read.records[0].media[2].frames) EXPECT_EQ(media::load_image(frame).width, 64);
  const Item item = make_item(o.world, Split::kOodGenerator, 0);
  EXPECT_EQ(media::load_image(read.records[0].media[2].frames[7]).rgb, render(item.scenes[2], 7).rgb);
}

TEST_F(Make, RefusesWhatItWouldSpoil) {
  write_file_atomic(dir_ / "mine/notes.txt", "keep");
  write_file_atomic(dir_ / "file", "keep");
  EXPECT_THROW(make_world(options("mine")), Error);
  EXPECT_THROW(make_world(options("file")), Error);
  EXPECT_EQ(all_files(dir_ / "mine").size(), 1u);
  make_world(options("w"));
  MakeOptions other = options("w");
  other.world.seed = 2;
  try {
    make_world(other);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidInput);
    EXPECT_THAT(e.what(), HasSubstr("other options"));
  }
  for (MakeOptions bad : {options("x"), options("y"), options("")}) {
    if (bad.out.ends_with("x"))
      bad.items = 0;
    else if (bad.out.ends_with("y"))
      bad.split = "tset";
    else
      bad.out.clear();
    EXPECT_THROW(make_world(bad), Error) << bad.out;
  }
  EXPECT_FALSE(fs::exists(dir_ / "y"));
}

TEST(Sheet, TextAndPicturesStayInside) {
  media::Image image{.width = 20, .height = 8, .rgb = std::vector<std::uint8_t>(20 * 8 * 3, 255)};
  write_text(image, "I:", 1, 1, 1, 0);
  EXPECT_EQ(std::count(image.rgb.begin(), image.rgb.end(), 0), 3 * (9 + 2));  // the letter's nine pixels and the colon's two
  write_text(image, "a long line that does not fit", -5, -2, 3, 0);
  paste(image, media::Image{.width = 1, .height = 1, .rgb = {1, 2, 3}}, 18, 6, 4);
  EXPECT_EQ(image.rgb.back(), 3);
}

}  // namespace
}  // namespace beholder::world
