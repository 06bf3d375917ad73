// What goes wrong with files, what is counted, positions, order and memory.
#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "data/archive_parts.h"
#include "data/convert.h"
#include "data/inspect.h"
#include "data/shuffle.h"
#include "data/testing.h"
#include "data/unique_ids.h"

namespace beholder::data {
namespace {

using data::testing::fixture;
using ::testing::HasSubstr;

Json inspected(const std::string& path) {
  InspectOptions options;
  options.path = path;
  return inspect(options);
}

TEST(Inspect, PickAPicCountsEverything) {
  TempDir dir;
  InspectOptions options;
  options.path = fixture("pickapic");
  options.sheet = dir / "sheet.png";
  const Json r = inspect(options);
  EXPECT_EQ(r["formats"], Json({"pick-a-pic"}));
  EXPECT_EQ(r["records"], 6);
  EXPECT_EQ(r["bad"], 1) << "a row without a picture";
  EXPECT_EQ(r["labels"], Json({{"pair", 6}, {"ranking", 0}, {"none", 0}})) << "has_label is false, but the split is train";
  EXPECT_EQ(r["tied_pairs"], 1);
  EXPECT_EQ(r["duplicate_records"], 1);
  EXPECT_EQ(r["media"]["unreadable"], 1) << r["problems"];
  EXPECT_EQ(r["media"]["distinct"], 10);
  EXPECT_EQ(media::load_image(dir / "sheet.png").width, 6 * 160 + 7 * 4) << "six cells and the gaps between";
}

TEST(Inspect, ArchivesAreLookedInto) {
  const Json r = inspected(fixture("hpdv3"));
  EXPECT_EQ(r["records"], 12);
  EXPECT_EQ(r["media"]["in_archives"], 23);
  EXPECT_EQ(r["media"]["unreadable"], 1);
  EXPECT_EQ(r["media"]["missing"], 1);
  EXPECT_EQ(r["notes"]["choice_dist does not agree with the order (order taken)"], 3);
  EXPECT_EQ(r["soft_pairs"], 3);
}

TEST(Inspect, MembersThatLeadOutAreRefused) {
  const Json r = inspected(fixture("hostile"));
  EXPECT_EQ(r["media"]["refused"], 4) << r["problems"];
  EXPECT_EQ(r["media"]["in_archives"], 1);
  EXPECT_EQ(r["media"]["missing"], 0);
  TempDir dir;
  ConvertOptions options;
  options.path = fixture("hostile");
  options.out = dir / "a/b/out";
  EXPECT_EQ(convert(options)["refused"].size(), 4u);
  EXPECT_FALSE(std::filesystem::exists(dir / "a/evil.jpg"));
  EXPECT_FALSE(std::filesystem::exists("/abs.jpg"));
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) files += entry.is_regular_file();
  EXPECT_EQ(files, 4) << "one picture, records.jsonl, left_out.jsonl, data.json";
}

TEST(Inspect, ACutArchiveKeepsWhatStoodBefore) {
  const Json r = inspected(fixture("truncated"));
  EXPECT_EQ(r["broken_archives"].size(), 1u);
  EXPECT_GT(r["media"]["in_archives"], 4);
  EXPECT_EQ(r["media"]["missing"], 1) << "the last picture was behind the cut";
  EXPECT_EQ(r["records"], 2);
}

TEST(Inspect, RowsOfMixedKindsAreCountedOneByOne) {
  const Json r = inspected(fixture("mixed/test.json"));
  EXPECT_EQ(r["records"], 2) << "a number is a fine prompt";
  EXPECT_EQ(r["bad"], 5);
  EXPECT_THAT(json_line(r["problems"]), HasSubstr("human_preference"));
  EXPECT_THAT(json_line(r["problems"]), HasSubstr("not a JSON object"));
}

TEST(Inspect, UnknownColumnsAndScaledSharesAreNoted) {
  const Json r = inspected(fixture("rapidata"));
  EXPECT_EQ(r["unknown_columns"], Json({"a_new_column"}));
  EXPECT_EQ(r["notes"]["shares that did not sum to 1 (scaled)"], 1);
  EXPECT_EQ(r["votes"], 20);
  EXPECT_EQ(r["formats"].size(), 2u);
}

TEST(Inspect, PromptListsAndEmptyFilesAreLeftOutWithAReason) {
  const Json hpd = inspected(fixture("hpdv2"));
  EXPECT_EQ(hpd["records"], 3);
  EXPECT_EQ(hpd["bad"], 0);
  EXPECT_EQ(hpd["left_out"].size(), 1u) << "a list of prompts";
  EXPECT_EQ(hpd["splits"], Json({"test", "train"}));
  const Json empty = inspected(fixture("empty"));
  EXPECT_EQ(empty["records"], 0);
  EXPECT_EQ(empty["left_out"].size(), 3u) << empty;
}

template <class Run>
std::pair<Code, std::string> error_of(const Run& run) {
  try {
    run();
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
  return {Code::kInternal, "nothing was thrown"};
}

TEST(Dataset, ErrorsSayWhatAndHow) {
  const auto none = error_of([] { Dataset(fixture("nowhere"), {}); });
  EXPECT_EQ(none.first, Code::kNotFound);
  const auto strange = error_of([] { Dataset(fixture("strange/strange.parquet"), {}).next(); });
  EXPECT_EQ(strange.first, Code::kInvalidInput);
  EXPECT_THAT(strange.second, HasSubstr("question, answer"));
  const auto split =
      error_of([] { Dataset(fixture("hf"), {.format = {}, .split = "dev", .media_root = {}, .more_roots = {}, .mapping = {}}); });
  EXPECT_THAT(split.second, HasSubstr("the split \"dev\""));
  const auto named =
      error_of([] { Dataset(fixture("hf"), {.format = "hpdv9", .split = {}, .media_root = {}, .more_roots = {}, .mapping = {}}); });
  EXPECT_THAT(named.second, HasSubstr("pick-a-pic"));
}

// Every cut and many flipped bytes: an error or fewer records, never a crash.
TEST(Dataset, DamagedFilesNeverCrash) {
  TempDir dir;
  for (const std::string name :
       {"rapidata/votes.parquet", "hf/train/data-00000-of-00001.arrow", "hpdv3/train.json", "videoalign/test.csv"}) {
    const std::string good = read_file(fixture(name));
    const std::string path = dir / std::filesystem::path(name).filename().string();
    for (std::size_t i = 1; i < 60; ++i) {
      std::string damaged = good;
      if (i % 2 == 0)
        damaged.resize(good.size() * i / 60);
      else
        damaged[(i * 7919) % good.size()] ^= static_cast<char>(1 + i);
      write_file_atomic(path, damaged);
      try {
        Dataset set(path, {});
        while (set.next()) {
        }
      } catch (const Error& e) {
        EXPECT_NE(e.code(), Code::kInternal) << name << " " << i << ": " << e.what();
      }
    }
  }
}

std::vector<std::string> ids(RecordStream& stream) {
  std::vector<std::string> out;
  while (std::optional<Line> line = stream.next()) out.push_back(line->record ? line->record->id : line->error);
  return out;
}

TEST(StreamInvariant, APositionMeansTheSameInTheNextRun) {
  for (const std::string name : {"pickapic", "imagerewarddb", "genai", "hpdv3"}) {
    Dataset whole(fixture(name), {});
    const std::vector<std::string> all = ids(whole);
    for (std::size_t at = 0; at <= all.size(); ++at) {
      Dataset rest(fixture(name), {});
      rest.skip(static_cast<std::int64_t>(at));
      EXPECT_EQ(rest.position(), static_cast<std::int64_t>(at));
      EXPECT_EQ(ids(rest), std::vector<std::string>(all.begin() + static_cast<std::ptrdiff_t>(at), all.end())) << name << " " << at;
    }
  }
}

TEST(StreamInvariant, AShuffleIsAPermutationOfItsSeedAndResumes) {
  const auto stream = [](std::uint64_t seed) {
    return ShuffledStream(std::make_unique<Dataset>(fixture("hpdv3/train.json"), DatasetOptions{}), seed, 5);
  };
  ShuffledStream first = stream(3), again = stream(3), other = stream(4);
  const std::vector<std::string> order = ids(first);
  EXPECT_EQ(ids(again), order);
  EXPECT_NE(ids(other), order);
  EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), 12u);
  for (std::size_t at = 0; at <= order.size(); ++at) {
    ShuffledStream rest = stream(3);
    rest.skip(static_cast<std::int64_t>(at));
    EXPECT_EQ(ids(rest), std::vector<std::string>(order.begin() + static_cast<std::ptrdiff_t>(at), order.end())) << at;
  }
}

TEST(Archive, PartsAreOrderedByNumberAndAGapIsNamed) {
  std::vector<std::string> parts;
  for (const int n : {0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9}) parts.push_back(format("d/i.tar.gz.{}", n));
  sort_parts(parts);
  for (int n = 0; n < 12; ++n) EXPECT_EQ(parts[static_cast<std::size_t>(n)], format("d/i.tar.gz.{}", n));
  EXPECT_EQ(cut_at_missing_part(parts), "");
  parts.erase(parts.begin() + 10);
  EXPECT_EQ(cut_at_missing_part(parts), "d/i.tar.gz.10");
  EXPECT_EQ(parts.size(), 10u) << "those behind the gap cannot be read";
  const auto gap = [](std::vector<std::string> some) { return cut_at_missing_part(some); };
  EXPECT_EQ(gap({"i.tar.aa", "i.tar.ab", "i.tar.ad"}), "i.tar.ac");
  EXPECT_EQ(gap({"i.tar.ay", "i.tar.az", "i.tar.ba"}), "i.tar.aa");
  EXPECT_EQ(gap({"i.tar.aa", "i.tar.ab"}), "");
  EXPECT_EQ(gap({"i.tar.yz", "i.tar.zaaa"}), "i.tar.aa");
  EXPECT_EQ(gap({"i.tar.part1", "i.tar.part2", "i.tar.part4"}), "i.tar.part3");
  EXPECT_EQ(gap({"i.tar.009", "i.tar.010"}), "i.tar.001");
  EXPECT_EQ(gap({"i.tar.001", "i.tar.002"}), "");
  std::vector<std::string> whole{"i.tar.gz.aa", "i.tar.gz"};
  sort_parts(whole);
  EXPECT_EQ(whole, std::vector<std::string>{"i.tar.gz"});
}

TEST(UniqueIds, ComeOnce) {
  UniqueIds ids;
  std::vector<std::string> given;
  for (const char* id : {"a", "a", "a~2", "b", "a", "a~2"}) given.push_back(ids.give(id));
  EXPECT_EQ(given, (std::vector<std::string>{"a", "a~2", "a~2~2", "b", "a~3", "a~2~3"}));
}

TEST(Stream, ThePreferredSideOfHpdv3IsNotAlwaysTheFirst) {
  Dataset set(fixture("hpdv3/train.json"), {});
  int first = 0;
  while (const std::optional<Line> line = set.next()) first += line->record->target.q > 0.5;
  EXPECT_GT(first, 1);
  EXPECT_LT(first, 11);
}

// 100,000 rows of two pictures (120 MB when held): the resident size stays where it was.
TEST(Stream, AHundredThousandRowsInBoundedMemory) {
  const auto resident = [] {
    const std::string status = read_file("/proc/self/status");
    return std::stol(status.substr(status.find("VmHWM:") + 6)) / 1024;  // MB, the highest so far
  };
  Dataset set(fixture("many/many.parquet"), {});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(set.next());
  const long before = resident();
  std::int64_t rows = 200;
  while (const std::optional<Line> line = set.next()) rows += line->record.has_value();
  EXPECT_EQ(rows, 100'000);
  EXPECT_LT(resident() - before, 48) << "MB";
}

}  // namespace
}  // namespace beholder::data
