#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CheckpointContent content(std::int64_t step) {
  const auto value = static_cast<float>(step);
  return {.step = step,
          .config = {{"learning_rate", 1e-3}},
          .state = {{"loss_sum", 0.1 * static_cast<double>(step)}},
          .model = {{"a.weight", torch::full({3, 2}, value)}, {"b", torch::full({4}, -value)}},
          .optimizer = {{"steps", torch::full({2}, value)}},
          .files = {{"config.json", "{}"}}};
}

void expect_step(const std::string& dir, std::int64_t step) {
  std::vector<std::string> skipped;
  const auto found = load_latest_checkpoint(dir, skipped);
  ASSERT_TRUE(found);
  const CheckpointContent want = content(step);
  EXPECT_EQ(found->content.step, step);
  EXPECT_EQ(found->content.config, want.config);
  EXPECT_EQ(found->content.state, want.state);
  ASSERT_EQ(found->content.model.size(), want.model.size());
  for (const auto& [name, value] : want.model) EXPECT_TRUE(torch::equal(found->content.model.at(name), value));
  for (const auto& [name, value] : want.optimizer) EXPECT_TRUE(torch::equal(found->content.optimizer.at(name), value));
}

std::vector<std::string> names(const std::string& dir) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(dir)) out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

void flip_byte(const std::string& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 1));
}

TEST(Checkpoint, KeepsTheNewestAndIsAModelFolder) {
  TempDir dir;
  for (int step = 1; step <= 12; ++step) save_checkpoint(dir.path(), content(step), 2);
  EXPECT_THAT(names(dir.path()), ElementsAre("latest", "step-11", "step-12"));
  EXPECT_EQ(read_file(dir / "latest"), "step-12\n");
  EXPECT_EQ(read_file(dir / "step-12/config.json"), "{}");
  expect_step(dir.path(), 12);
}

TEST(Checkpoint, AnEmptyFolderHasNone) {
  TempDir dir;
  std::vector<std::string> skipped;
  EXPECT_FALSE(load_latest_checkpoint(dir.path(), skipped));
  EXPECT_FALSE(load_latest_checkpoint(dir / "missing", skipped));
  EXPECT_THAT(skipped, IsEmpty());
  EXPECT_THROW(load_checkpoint(dir / "step-3"), Error);
}

TEST(CheckpointInvariant, AFullDiskAtAnyWriteLeavesTheEarlierOneWhole) {
  TempDir dir;
  save_checkpoint(dir.path(), content(1), 1);
  int failures = 0;
  for (int nth = 1;; ++nth) {
    inject_write_failure(nth, nth % 2 ? ENOSPC : EIO);
    try {
      save_checkpoint(dir.path(), content(2), 1);
    } catch (const Error& e) {
      inject_write_failure(0, 0);
      EXPECT_EQ(e.code(), Code::kResource);
      ++failures;
      // A failure of `latest` alone comes after the rename: then the new checkpoint is the one that counts.
      const bool renamed = fs::exists(dir / "step-2");
      expect_step(dir.path(), renamed ? 2 : 1);
      EXPECT_TRUE(fs::exists(dir / "step-1")) << "deleted before the new one was complete";
      for (const std::string& name : names(dir.path())) EXPECT_EQ(name.find(".tmp."), name.npos) << name;
      fs::remove_all(dir / "step-2");
      ASSERT_LT(nth, 200);
      continue;
    }
    inject_write_failure(0, 0);
    break;
  }
  EXPECT_GE(failures, 20);  // create, write, sync and rename of five files and of `latest`
  expect_step(dir.path(), 2);
  EXPECT_THAT(names(dir.path()), ElementsAre("latest", "step-2"));
}

class BrokenCheckpoint : public ::testing::TestWithParam<std::string> {};

TEST_P(BrokenCheckpoint, IsSkippedWithAReason) {
  TempDir dir;
  save_checkpoint(dir.path(), content(1), 0);
  save_checkpoint(dir.path(), content(2), 0);
  const std::string path = dir / "step-2/", kind = GetParam();
  if (kind == "flipped weights")
    flip_byte(path + "model.safetensors", static_cast<std::streamoff>(fs::file_size(path + "model.safetensors")) - 3);
  if (kind == "cut optimiser") fs::resize_file(path + "optimizer.safetensors", 17);
  if (kind == "flipped state") flip_byte(path + "state.json", 20);
  if (kind == "no manifest") fs::remove(path + "manifest.json");
  if (kind == "half manifest") fs::resize_file(path + "manifest.json", fs::file_size(path + "manifest.json") / 2);
  if (kind == "missing file") fs::remove(path + "config.json");
  if (kind == "foreign manifest")
    write_file_atomic(path + "manifest.json", R"({"format":1,"step":2,"files":[{"name":"../latest","bytes":1,"sha256":""}]})");
  if (kind == "empty manifest") write_file_atomic(path + "manifest.json", R"({"format":1,"step":2,"files":[]})");
  std::vector<std::string> skipped;
  const auto found = load_latest_checkpoint(dir.path(), skipped);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->content.step, 1);
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_THAT(skipped[0], HasSubstr("step-2"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, BrokenCheckpoint,
                         ::testing::Values("flipped weights", "cut optimiser", "flipped state", "no manifest", "half manifest",
                                           "missing file", "foreign manifest", "empty manifest"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

TEST(Checkpoint, ReplacesABrokenOneOfTheSameStep) {
  TempDir dir;
  save_checkpoint(dir.path(), content(5), 0);
  fs::resize_file(dir / "step-5/state.json", 3);
  save_checkpoint(dir.path(), content(5), 0);
  expect_step(dir.path(), 5);
  EXPECT_THAT(names(dir.path()), ElementsAre("latest", "step-5"));
}

TEST(Checkpoint, WhatAKilledProcessLeftIsIgnoredAndSweptUp) {
  TempDir dir;
  save_checkpoint(dir.path(), content(1), 0);
  fs::create_directory(dir / "step-9.tmp.123");
  fs::create_directory(dir / "step-x");
  expect_step(dir.path(), 1);
  remove_unfinished(dir.path());
  EXPECT_THAT(names(dir.path()), ElementsAre("latest", "step-1", "step-x"));
}

}  // namespace
}  // namespace beholder::train
