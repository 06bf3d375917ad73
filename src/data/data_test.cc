#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/rng.h"
#include "data/frames.h"
#include "data/jsonl.h"
#include "data/look_ahead.h"

namespace beholder::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Record parse(std::string_view text) {
  return parse_record(parse_json(text, "t", true), "t");
}

std::string error_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  RecordReader reader(stream, "in");
  const std::optional<Line> line = reader.next();
  return line && !line->record ? line->error : "";
}

Record ranked() {
  return parse(R"({"id":"r","prompt":"p","media":["a","b","c"],"target":{"ranking":[2,1,2]}})");
}

TEST(Record, EveryKindSurvivesWritingAndReading) {
  TempDir dir;
  std::vector<Record> records = {
      parse(R"({"id":"1","prompt":"a \"cup\" é","media":["/a.png","/b.png"],"target":{"pair":0.8,"votes":5}})"),
      parse(R"({"id":2,"prompt":"","media":["/a","/b","/c"],"target":{"ranking":[1,2,2]}})"),
      parse(R"({"id":"v","prompt":"p","media":[{"frames":["/0.png","/1.png"],"fps":2.5}],"completion":"Image 1 …"})")};
  EXPECT_EQ(records[0].target.votes, 5);
  EXPECT_EQ(records[1].id, "2");
  EXPECT_EQ(records[2].media[0].fps, 2.5);
  write_records(dir / "r.jsonl", records);
  const ReadResult back = read_records(dir / "r.jsonl");
  EXPECT_TRUE(back.bad.empty());
  EXPECT_EQ(back.records, records);
}

TEST(Record, RelativePathsAreRelativeToTheFile) {
  TempDir dir;
  write_file_atomic(dir / "r.jsonl", R"({"id":"1","prompt":"p","media":["a.png",{"frames":["v/0.png"],"fps":1}]})"
                                     "\n");
  const ReadResult read = read_records(dir / "r.jsonl");
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].media[0].path, dir / "a.png");
  EXPECT_EQ(read.records[0].media[1].frames[0], dir / "v/0.png");
}

TEST(Record, BadLinesAreValuesThatSayWhatAndWhere) {
  std::istringstream stream(
      "{\"id\":\"1\",\"prompt\":\"p\",\"media\":[\"a\",\"b\"],\"target\":{\"pair\":1}}\n"
      "\n"
      "{\"id\":\"2\",\"prompt\":\"p\",\"media\":[\"a\"],\"target\":{\"pair\":1}}\n"
      "not json\r\n"
      "{\"id\":\"3\",\"prompt\":\"p\",\"media\":[\"a\"],\"note\":1,\"target\":null}");
  RecordReader reader(stream, "in");
  EXPECT_TRUE(reader.next()->record);
  EXPECT_THAT(reader.next()->error, HasSubstr("in:3: the target is a pair but there are 1 media"));
  EXPECT_THAT(reader.next()->error, HasSubstr("in:4: not valid JSON"));
  EXPECT_EQ(reader.next()->record->id, "3");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.records(), 2);
  EXPECT_EQ(reader.bad(), 2);
  EXPECT_THAT(reader.unknown_keys(), ElementsAre("note"));
}

TEST(Record, StrictAboutEveryField) {
  const auto with = [](std::string_view media, std::string_view target) {
    return error_of(format(R"({{"id":"1","prompt":"p","media":{},"target":{}}})", media, target));
  };
  EXPECT_EQ(with(R"(["a","b"])", R"({"pair":0.5})"), "");
  EXPECT_THAT(with(R"(["a","b"])", R"({"pair":1.5})"), HasSubstr("share in 0..1"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"pair":"1"})"), HasSubstr("not a number"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"pair":1,"ranking":[1,2]})"), HasSubstr("exactly one"));
  EXPECT_THAT(with(R"(["a","b"])", R"({})"), HasSubstr("exactly one"));
  EXPECT_THAT(with(R"(["a","b"])", R"(7)"), HasSubstr("exactly one"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"pair":1,"votes":0})"), HasSubstr("votes"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"ranking":[1]})"), HasSubstr("each of the 2 media"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"ranking":[0,1]})"), HasSubstr("a rank"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"ranking":[1.5,1]})"), HasSubstr("a rank"));
  EXPECT_THAT(with(R"(["a","b"])", R"({"ranking":[99999999999999999999,1]})"), HasSubstr("a rank"));
  EXPECT_THAT(with(R"(["a",""])", R"({"pair":1})"), HasSubstr("medium 2 is empty"));
  EXPECT_THAT(with(R"([])", "null"), HasSubstr("at least one file"));
  EXPECT_THAT(with(R"([{"fps":1}])", "null"), HasSubstr("frames"));
  EXPECT_THAT(with(R"([{"frames":["0"]}])", "null"), HasSubstr("fps"));
  EXPECT_THAT(with(R"([{"frames":["0"],"fps":-1}])", "null"), HasSubstr("above 0"));
  EXPECT_THAT(error_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(R"({"id":"1","media":["a"]})"), HasSubstr("\"prompt\" is missing"));
  EXPECT_THAT(error_of(R"({"id":"1","id":"2","prompt":"p","media":["a"]})"), HasSubstr("stands twice"));
  EXPECT_THAT(error_of(std::string(200, '[')), HasSubstr("nested deeper"));
}

TEST(Record, CutAndDamagedLinesNeverCrash) {
  const std::string good = R"({"id":"1","prompt":"p","media":["a",{"frames":["0"],"fps":2}],"target":{"ranking":[1,2]},"completion":"c"})";
  int bad = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    bad += !error_of(good.substr(0, i)).empty();
    std::string damaged = good;
    damaged[i] = '\xff';
    error_of(damaged);
  }
  EXPECT_EQ(bad, static_cast<int>(good.size()) - 1) << "every cut but the empty line is an error";
}

TEST(Record, MissingFileIsNotFound) {
  try {
    RecordReader reader("/no/such.jsonl");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kNotFound);
  }
}

TEST(LookAhead, ShowsEachRecordBeforeItIsHandedOutAndChangesNothing) {
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += i == 7 ? "{\n" : format(R"({{"id":"{}","prompt":"p","media":["a.png"]}})", i) + "\n";
  std::istringstream text(lines), same(lines);
  RecordReader plain(text, "plain");
  std::vector<std::string> seen;
  LookAhead ahead(std::make_unique<RecordReader>(same, "ahead"), [&](const Record& record) { seen.push_back(record.id); });
  for (std::int64_t n = 1; const std::optional<Line> line = plain.next(); ++n) {
    const std::optional<Line> other = ahead.next();
    ASSERT_TRUE(other);
    EXPECT_EQ(other->number, line->number);
    EXPECT_EQ(other->record ? other->record->id : "bad", line->record ? line->record->id : "bad");
    EXPECT_EQ(ahead.position(), n);
    EXPECT_GE(seen.size() + 1, std::min<std::size_t>(40, static_cast<std::size_t>(n) - 1 + LookAhead::kLines));
  }
  EXPECT_FALSE(ahead.next());
  EXPECT_EQ(ahead.position(), 40);
  EXPECT_EQ(seen.size(), 39U);
}

TEST(SidesInvariant, MediaAndLabelMoveTogether) {
  const Record record = ranked();
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const Record shuffled = shuffle_sides(record, 3, epoch);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_EQ(shuffled.target.ranking[k], shuffled.media[k].path == "b" ? 1 : 2);
    EXPECT_EQ(shuffled, shuffle_sides(record, 3, epoch));
  }
}

TEST(SidesInvariant, EachOrderIsEquallyLikelyAndFollowsSeedEpochAndId) {
  int swapped = 0, epoch_differs = 0, seed_differs = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    Record record = parse(format(R"({{"id":"{}","prompt":"p","media":["a","b"],"target":{{"pair":0.8}}}})", i));
    const Record shuffled = shuffle_sides(record, 1, 0);
    const bool swap = shuffled.media[0].path == "b";
    EXPECT_NEAR(shuffled.target.q, swap ? 0.2 : 0.8, 1e-12);
    swapped += swap;
    epoch_differs += side_order(2, 1, 1, record.id) != side_order(2, 1, 0, record.id);
    seed_differs += side_order(2, 2, 0, record.id) != side_order(2, 1, 0, record.id);
  }
  const double limit = 4 * std::sqrt(n * 0.25);  // four standard deviations
  EXPECT_NEAR(swapped, n / 2, limit);
  EXPECT_NEAR(epoch_differs, n / 2, limit);
  EXPECT_NEAR(seed_differs, n / 2, limit);
}

TEST(Record, ATextThatNamesItsMediaIsNotShuffled) {
  Record record = ranked();
  record.completion = "Image 2 is best.";
  for (std::uint64_t epoch = 0; epoch < 8; ++epoch) EXPECT_EQ(shuffle_sides(record, 1, epoch), record);
}

TEST(Record, ARankingExpandsToAllPairs) {
  const std::vector<Record> pairs = expand_pairs(ranked());
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].id, "r#1-2");
  EXPECT_EQ(pairs[0].target.q, 0.0);
  EXPECT_EQ(pairs[1].id, "r#1-3");
  EXPECT_EQ(pairs[1].target.q, 0.5);
  EXPECT_EQ(pairs[2].target.q, 1.0);
  EXPECT_EQ(pairs[2].media[1].path, "c");
  EXPECT_TRUE(expand_pairs(parse(R"({"id":"1","prompt":"p","media":["a"]})")).empty());
}

TEST(Record, PairsAreCountedAsTheyExpand) {
  for (const char* target : {R"({"pair":0.8})", R"({"pair":0.5})", R"({"pair":1})", R"({"pair":0})", "null"}) {
    const Record record = parse(format(R"({{"id":"1","prompt":"p","media":["a","b"],"target":{}}})", target));
    const PairCounts counts = count_pairs(record.target);
    EXPECT_EQ(counts.pairs, std::ssize(expand_pairs(record))) << target;
    EXPECT_EQ(counts.ties, std::string_view(target).find("0.5") != std::string_view::npos) << target;
    EXPECT_EQ(counts.soft, std::string_view(target).find("0.8") != std::string_view::npos) << target;
  }
  Rng rng(1);
  for (int n = 2; n < 30; ++n) {
    Record record = ranked();
    record.media.assign(static_cast<std::size_t>(n), record.media[0]);
    record.target.ranking.clear();
    for (int i = 0; i < n; ++i) record.target.ranking.push_back(static_cast<int>(rng.below(6)) + 1);
    std::int64_t pairs = 0, ties = 0;
    for (const Record& pair : expand_pairs(record)) {
      ++pairs;
      ties += pair.target.q == 0.5;
    }
    const PairCounts counts = count_pairs(record.target);
    EXPECT_EQ(counts.pairs, pairs);
    EXPECT_EQ(counts.ties, ties);
    EXPECT_EQ(counts.soft, 0);
  }
}

// What a medium is shows in its bytes, not in its name: a still picture is one frame however many are asked for, a file or a record's cell.
TEST(Frames, FollowTheContent) {
  const std::string media = BEHOLDER_SOURCE_DIR "/tests/data/media/";
  const auto medium = [](const std::string& path, std::shared_ptr<const std::string> bytes = nullptr) {
    MediaRef ref;
    ref.path = path;
    ref.bytes = std::move(bytes);
    return ref;
  };
  EXPECT_EQ(load_frames(medium(media + "jpeg_420.jpg"), 24).size(), 1U);
  EXPECT_EQ(load_frames(medium(media + "gif_animated.gif"), 1).size(), 1U);
  EXPECT_GT(load_frames(medium(media + "gif_animated.gif"), 24).size(), 1U);
  const auto bytes = std::make_shared<const std::string>(read_file(media + "h264_one_frame.mp4"));
  EXPECT_EQ(load_frames(medium("row 3", bytes), 24).size(), 1U);
  TempDir dir;
  write_file_atomic(dir / "cut.png", read_file(media + "png_rgb8.png").substr(0, 60));
  try {
    load_frames(medium(dir / "cut.png"), 24);
    ADD_FAILURE() << "a cut picture was read";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), ::testing::AllOf(HasSubstr("cut.png"), ::testing::Not(HasSubstr("video"))));
  }
}

}  // namespace
}  // namespace beholder::data
