#include "train/run_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "train/tensorboard.h"

namespace beholder::train {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += format("{:02x}", byte);
  return out;
}

std::string events_file(const TempDir& dir) {
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) return entry.path();
  return "";
}

void append_raw(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
}

TEST(TensorBoardOracle, RecordsEqualTensorFlowsBytes) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(hex(version_record(1.0)), "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
  EXPECT_EQ(hex(scalar_record(1.0, 7, "reward", 0.5f)),
            "1c00000000000000c8c1951d09000000000000f03f10072a0f0a0d0a06726577617264150000003f6f4378c2");
}

TEST(TensorBoard, PrefixStopsAtALaterStepAndAtBrokenRecords) {
  const std::string head = version_record(1) + scalar_record(2, 1, "a", 1) + scalar_record(2, 300, "a", 2);
  const std::string late = scalar_record(3, 301, "a", 3);
  EXPECT_EQ(events_prefix(head + late, 300), head.size());
  EXPECT_EQ(events_prefix(head + late, 301), head.size() + late.size());
  EXPECT_EQ(events_prefix(head + late.substr(0, 20), 400), head.size());
  std::string flipped = head + late;
  flipped[head.size() + 14] ^= 1;
  EXPECT_EQ(events_prefix(flipped, 400), head.size());
  std::string huge = head + late;
  for (int i = 0; i < 8; ++i) huge[head.size() + i] = '\xff';
  EXPECT_EQ(events_prefix(huge, 400), head.size());
  EXPECT_EQ(events_prefix("", 400), 0u);
}

TEST(RunLog, OneCallWritesBothFiles) {
  TempDir dir;
  {
    FileRunLog log(dir.path(), -1);
    log.log(10, {{"loss", 0.25}, {"eval_loss", std::numeric_limits<double>::quiet_NaN()}});
  }
  const Json line = parse_json(read_file(dir / "metrics.jsonl"), "metrics");
  EXPECT_EQ(line["step"], 10);
  EXPECT_EQ(line["loss"], 0.25);
  EXPECT_TRUE(line["eval_loss"].is_null());
  const std::string events = read_file(events_file(dir));
  EXPECT_NE(events.find("train/loss"), events.npos);
  EXPECT_NE(events.find("eval/loss"), events.npos);
  EXPECT_EQ(events_prefix(events, 10), events.size());
}

TEST(RunLogInvariant, ResumingCutsLaterStepsAndHalfWrittenEnds) {
  TempDir dir;
  {
    FileRunLog log(dir.path(), -1);
    for (int step = 1; step <= 3; ++step) log.log(step, {{"loss", 1.0 / step}});
  }
  append_raw(dir / "metrics.jsonl", "{\"step\":4,\"lo");
  append_raw(events_file(dir), scalar_record(9, 4, "train/loss", 1).substr(0, 30));
  {
    FileRunLog log(dir.path(), 2);
    log.log(3, {{"loss", 7.0}});
  }
  std::ifstream lines(dir / "metrics.jsonl");
  std::vector<std::pair<int, double>> got;
  for (std::string line; std::getline(lines, line);) {
    const Json json = parse_json(line, "line");
    got.emplace_back(json["step"], json["loss"]);
  }
  EXPECT_EQ(got, (std::vector<std::pair<int, double>>{{1, 1.0}, {2, 0.5}, {3, 7.0}}));
  const std::string events = read_file(events_file(dir));
  EXPECT_EQ(events_prefix(events, 3), events.size());
  EXPECT_LT(events_prefix(events, 2), events.size());
}

TEST(RunLog, StartingAnewDropsAnEarlierRun) {
  TempDir dir;
  {
    FileRunLog(dir.path(), -1).log(1, {{"loss", 1}});
  }
  {
    FileRunLog(dir.path(), -1).log(1, {{"loss", 2}});
  }
  EXPECT_EQ(parse_json(read_file(dir / "metrics.jsonl"), "metrics")["loss"], 2.0);
}

}  // namespace
}  // namespace beholder::train
