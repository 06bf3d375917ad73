// Splits without a leak, mixtures in their proportions.
#include "data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "data/data_part.h"
#include "data/inspect.h"
#include "data/jsonl.h"
#include "data/mixture.h"
#include "data/testing.h"

namespace beholder::data {
namespace {

using ::testing::ElementsAre;

// 120 records of 40 prompts, each written in three ways; every fifth prompt shares a picture with the one before it.
std::string write_set(const TempDir& dir, const std::string& name = "all.jsonl") {
  std::vector<Record> records;
  for (int i = 0; i < 120; ++i) {
    const int prompt = i % 40;
    const std::string number = std::to_string(prompt);
    const std::string text = i < 40 ? "Scene " + number : i < 80 ? "scene  " + number + " " : "SCENE " + number + ".";
    std::vector<MediaRef> media;
    for (const int side : {0, 1}) {
      const int picture = prompt % 5 == 4 && side == 0 ? prompt - 1 : prompt;
      media.push_back({.path = dir / format("{}-{}.png", picture, side), .frames = {}, .fps = 0, .bytes = {}});
      write_file_atomic(media.back().path, format("picture {} {}", picture, side));
    }
    Target target;
    target.kind = Target::Kind::kPair;
    records.push_back({format("r{}", i), text, media, target, {}, {}});
  }
  write_records(dir / name, records);
  return dir / name;
}

TEST(Split, PartsShareNothingAndLoseNothing) {
  TempDir dir;
  SplitOptions options;
  options.path = write_set(dir);
  options.out = dir / "parts";
  options.validation = 0.2;
  options.test = 0.3;
  const Json report = split(options);
  EXPECT_EQ(report["groups"], 32) << "40 prompts, 8 of them tied to another by a picture";
  EXPECT_EQ(report["largest_group"], 6);
  EXPECT_EQ(report["leak"], Json({{"prompts", 0}, {"media", 0}}));
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> parts_of;  // prompt's number -> parts
  for (const auto& [part, info] : report["parts"].items()) {
    const ReadResult read = read_records(info["path"]);
    EXPECT_EQ(std::ssize(read.records), info["records"].get<std::int64_t>());
    for (const Record& record : read.records) {
      ids.insert(record.id);
      parts_of[record.media[1].path].insert(part);
    }
  }
  EXPECT_EQ(ids.size(), 120u);
  for (const auto& [picture, parts] : parts_of) EXPECT_EQ(parts.size(), 1u) << picture;
  EXPECT_EQ(split(options), report) << "the same again";
}

TEST(Split, AnImpossibleShareIsSaid) {
  TempDir dir;
  SplitOptions options;
  options.path = write_set(dir);
  options.out = dir / "parts";
  options.validation = options.test = 0.5;
  EXPECT_THROW(split(options), Error);
  options.validation = 1e-9;
  options.test = 0.1;
  EXPECT_THROW(split(options), Error) << "nothing can fall into so small a part";
}

TEST(Inspect, LeaksBetweenTwoSetsAreCounted) {
  TempDir dir;
  InspectOptions options;
  options.path = write_set(dir);
  options.check.level = CheckLevel::kNone;
  options.against = dir / "other.jsonl";
  write_file_atomic(options.against, format(R"({{"id":"1","prompt":"sCENE 7","media":["{}"]}})", dir / "12-1.png") + "\n");
  const Json leak = inspect(options)["leak"];
  EXPECT_EQ(leak["prompts"], 1);
  EXPECT_EQ(leak["media"], 1);
  EXPECT_EQ(leak["records"], 6) << "three of the prompt, three with the picture";
}

TEST(Mixture, IsReadAsItIsWritten) {
  const std::vector<MixturePart> parts = parse_mixture("a/b * 0.7 + c d.jsonl * 3 + e");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].path, "a/b");
  EXPECT_EQ(parts[0].weight, 0.7);
  EXPECT_EQ(parts[1].path, "c d.jsonl");
  EXPECT_EQ(parts[2].weight, 1);
  for (const char* bad : {"a * 0", "a * -1", "a * x", "a * 1 + ", " + a", "a * nan"}) EXPECT_THROW(parse_mixture(bad), Error) << bad;
}

TEST(Mixture, APartSaysWhatIsReadOfIt) {
  const std::vector<MixturePart> parts = parse_mixture("videos.csv[aspect=TA, split=train] * 0.7 + genai/[split=test_v1]");
  ASSERT_EQ(parts.size(), 2u);
  const DataPart part = parse_data_part(parts[0].path);
  EXPECT_EQ(part.path, "videos.csv");
  EXPECT_EQ(part.options.mapping.aspect, "TA");
  EXPECT_EQ(part.options.split, "train");
  EXPECT_EQ(parts[0].weight, 0.7);
  EXPECT_EQ(parse_data_part(parts[1].path).options.split, "test_v1");
  EXPECT_FALSE(parse_data_part("a.jsonl").chosen);
  TempDir dir;
  write_file_atomic(dir / "a[split=x]", "");
  EXPECT_FALSE(parse_data_part(dir / "a[split=x]").chosen) << "a file's name";
  for (const char* bad : {"a[side=1]", "a[split]", "a[split=]", "a[]", "a[split=x,]"}) EXPECT_THROW(parse_mixture(bad), Error) << bad;
}

TEST(Mixture, WithoutSpacesSaysHowItIsWritten) {
  TempDir dir;
  write_file_atomic(dir / "own+more*.jsonl", R"({"id":"1","prompt":"p","media":["a.png"]})");
  ConvertOptions options;
  options.out = dir / "out";
  for (const std::string path : {"a[split=validation]*0.7+own.jsonl*0.3", "own.jsonl*0.3", "a+b[split=x]", "a*0.7 + b * 0.3"}) {
    options.path = path;
    try {
      prepare_training_records(options);
      ADD_FAILURE() << path;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("with spaces: 'A * 0.7 + B * 0.3'"), std::string::npos) << e.what();
    }
  }
  options.path = dir / "own+more*.jsonl";
  EXPECT_EQ(prepare_training_records(options), options.path) << "a file's name";
}

TEST(Mixture, IdsOfTwoSourcesDoNotRepeat) {
  TempDir dir;
  ConvertOptions options;
  options.path = format("{} * 1 + {}[split=train] * 1", data::testing::fixture("hf/train"), data::testing::fixture("hf"));
  options.out = dir / "mix";
  const ReadResult read = read_records(prepare_training_records(options));
  std::set<std::string> ids;
  for (const Record& record : read.records) {
    ids.insert(record.id);
    EXPECT_TRUE(record.prompt.starts_with("train ")) << record.prompt;
  }
  EXPECT_EQ(read.records.size(), 6u);
  EXPECT_EQ(ids.size(), 6u);
}

TEST(Mixture, CountsAddUpAndFollowTheWeights) {
  EXPECT_THAT(mixture_counts({100, 300}, {0.5, 0.5}), ElementsAre(200, 200));
  EXPECT_THAT(mixture_counts({10, 10, 10}, {1, 1, 1}), ElementsAre(10, 10, 10));
  const std::vector<std::int64_t> odd = mixture_counts({7, 11, 5}, {0.2, 0.5, 0.3});
  EXPECT_EQ(odd[0] + odd[1] + odd[2], 23);
}

TEST(Mixture, SmallSourcesComeRoundAgainAndBigOnesGiveAPart) {
  TempDir dir;
  const std::string big = write_set(dir);
  write_file_atomic(dir / "small.jsonl", R"({"id":"s","prompt":"p","media":["0-0.png"]})"
                                         "\n");
  ConvertOptions options;
  options.path = format("{} * 1 + {} * 1", big, dir / "small.jsonl");
  options.out = dir / "mix";
  options.seed = 5;
  const ReadResult read = read_records(prepare_training_records(options));
  ASSERT_EQ(read.records.size(), 121u);
  std::set<std::string> ids;
  int small = 0;
  for (const Record& record : read.records) {
    ids.insert(record.id);
    small += record.prompt == "p";
    EXPECT_TRUE(record.media[0].path.starts_with(dir.path()));
  }
  EXPECT_EQ(ids.size(), 121u);
  EXPECT_NEAR(small, 60, 1);
  const std::string before = read_file(dir / "mix/records.jsonl");
  prepare_training_records(options);
  EXPECT_EQ(read_file(dir / "mix/records.jsonl"), before);
}

}  // namespace
}  // namespace beholder::data
