// Every format against what an independent writer (tools/make_data_fixtures.py) put into it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/sha256.h"
#include "data/convert.h"
#include "data/jsonl.h"
#include "data/testing.h"

namespace beholder::data {
namespace {

using data::testing::fixture;

// A medium as expected.json names it: its content's hash, or the end of a path that is not there.
bool same_medium(const MediaRef& ref, const std::string& expected) {
  try {
    return sha256_hex(*media_bytes(ref)) == expected;
  } catch (const Error&) {
    return ref.path.ends_with(expected);
  }
}

void expect_record(const Record& got, const Json& expected, const std::string& where) {
  EXPECT_EQ(got.prompt, expected["prompt"].get<std::string>()) << where;
  const auto media = expected["media"].get<std::vector<std::string>>();
  ASSERT_EQ(got.media.size(), media.size()) << where;
  const bool swapped = expected.value("any_order", false) && !same_medium(got.media[0], media[0]);
  for (std::size_t i = 0; i < media.size(); ++i)
    EXPECT_TRUE(same_medium(got.media[swapped ? 1 - i : i], media[i])) << where << " medium " << i << " " << got.media[i].path;
  if (expected.contains("q")) {
    ASSERT_EQ(got.target.kind, Target::Kind::kPair) << where;
    EXPECT_NEAR(swapped ? 1 - got.target.q : got.target.q, expected["q"].get<double>(), 1e-9) << where;
    EXPECT_EQ(got.target.votes, expected.value("votes", got.target.votes)) << where;
  } else if (expected.contains("ranking")) {
    EXPECT_EQ(got.target.ranking, expected["ranking"].get<std::vector<int>>()) << where;
  } else {
    EXPECT_EQ(got.target.kind, Target::Kind::kNone) << where;
  }
  EXPECT_EQ(got.completion, expected.value("completion", "")) << where;
  const Json meta = expected.value("meta", Json::object());
  for (const auto& [key, value] : meta.items()) EXPECT_EQ(got.meta[key], value) << where;
}

struct Case {
  std::string name, path, split;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.path;
}

class Formats : public ::testing::TestWithParam<Case> {};

TEST_P(Formats, ReadAsTheyWereWritten) {
  const Json expected = read_json(fixture("expected.json"))[GetParam().name];
  ASSERT_FALSE(expected.empty());
  DatasetOptions options;
  options.split = GetParam().split;
  Dataset set(fixture(GetParam().path), options);
  std::vector<Record> got;
  while (std::optional<Line> line = set.next())
    if (line->record) got.push_back(std::move(*line->record));
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) expect_record(got[i], expected[i], format("{} record {}", GetParam().name, i));
}

INSTANTIATE_TEST_SUITE_P(Public, Formats,
                         ::testing::Values(Case{"pickapic", "pickapic", ""}, Case{"imagereward", "imagereward/test.json", ""},
                                           Case{"hpdv2 train", "hpdv2/train.json", ""}, Case{"hpdv2 test", "hpdv2", "test"},
                                           Case{"rapidata votes", "rapidata/votes.parquet", ""},
                                           Case{"rapidata weighted", "rapidata/weighted.parquet", ""}, Case{"hf train", "hf", "train"},
                                           Case{"hf test", "hf/test", ""}, Case{"visionreward image", "visionreward/image.parquet", ""},
                                           Case{"visionreward video", "visionreward/video.parquet", ""},
                                           Case{"visionreward pairs", "visionreward/pairs.parquet", ""},
                                           Case{"genai test", "genai", "test"}, Case{"genai test_v1", "genai", "test_v1"},
                                           Case{"genai edition", "genai_edition", ""}, Case{"genai video", "genai_video", ""},
                                           Case{"videoalign", "videoalign/test.csv", ""}, Case{"mmrb2", "mmrb2/mmrb2.json", ""},
                                           Case{"unified", "unified", ""}),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// Sets whose pictures are in archives: converted first, then compared.
class Archived : public ::testing::TestWithParam<Case> {};

TEST_P(Archived, ConvertedRecordsAreTheOriginals) {
  TempDir dir;
  ConvertOptions options;
  options.path = fixture(GetParam().path);
  options.out = dir / "out";
  const Json done = convert(options);
  std::map<std::string, Json> expected;
  const Json all = read_json(fixture("expected.json"));
  for (const Json& one : all[GetParam().name]) expected[one["prompt"]] = one;
  const ReadResult read = read_records(dir / "out/records.jsonl");
  EXPECT_TRUE(read.bad.empty());
  EXPECT_EQ(std::ssize(read.records), done["written"].get<std::int64_t>());
  for (const Record& record : read.records) {
    expect_record(record, expected.at(record.prompt), record.prompt);
    expected.erase(record.prompt);
  }
  EXPECT_EQ(std::ssize(expected), done["left_out"].get<std::int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Public, Archived,
                         ::testing::Values(Case{"hpdv3", "hpdv3", ""}, Case{"imagerewarddb", "imagerewarddb", ""},
                                           Case{"irdb_metadata", "irdb_metadata", ""}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace beholder::data
