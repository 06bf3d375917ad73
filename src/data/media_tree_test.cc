#include "data/media_tree.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/rng.h"
#include "data/jsonl.h"
#include "data/shard.h"

namespace beholder::data {
namespace {

const std::string kPng = std::string("\x89PNG\r\n\x1a\n") + "rest";

class MediaTreeTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) { write_file_atomic(dir_ / name, content); }

  // "name: prompt", names below the folder.
  std::vector<std::string> lines(MediaTree& tree) const {
    std::vector<std::string> out;
    while (const std::optional<Line> line = tree.next()) {
      EXPECT_EQ(line->number, std::ssize(out) + 1);
      const std::string& id = line->record.value().id;
      EXPECT_EQ(line->record->media.at(0).path, id);
      out.push_back(id.substr(dir_.path().size() + 1) + ": " + line->record->prompt);
    }
    return out;
  }
  TempDir dir_;
};

TEST_F(MediaTreeTest, PromptsStandBesideTheFilesOrAboveThem) {
  write("b/2.png", kPng);
  write("b/2.txt", "\xef\xbb\xbf two \n lines\r\n");
  write("b/10.jpeg", kPng);
  write("b/prompt.txt", "for all of b\n");
  write("b/deep/x", kPng);
  write("b/deep/x.txt", "  \n");
  write("b/deep/own/prompt.txt", "nearer");
  write("b/deep/own/y.webp", "broken, and reported as such");
  write("a/alone.png", kPng);
  write("a/notes.md", "no medium");
  write("a/.hidden.png", kPng);
  write("a/text.txt", kPng);
  MediaTree tree({dir_.path() + "//./"});
  const auto found = lines(tree);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0], "a/alone.png: ");
  EXPECT_NE(std::string(MediaTree::no_prompt(dir_ / "a/alone.png").what()).find("alone.txt"), std::string::npos);
  EXPECT_EQ(found[1], "b/10.jpeg: for all of b");
  EXPECT_EQ(found[2], "b/2.png: two \n lines");
  EXPECT_EQ(found[3], "b/deep/own/y.webp: nearer");
  EXPECT_EQ(found[4], "b/deep/x: for all of b") << "an empty text beside it is none";
  EXPECT_EQ(tree.notes().counts, (std::map<std::string, std::int64_t>{{"other files", 1}}));
}

TEST_F(MediaTreeTest, FilesAndFoldersInTheOrderNamed) {
  write("b.png", kPng);
  write("b.txt", "b");
  write("a/a.png", kPng);
  write("a/prompt.txt", "a");
  MediaTree tree({dir_ / "b.png", dir_ / "a", dir_ / "a/a.png"});
  EXPECT_EQ(lines(tree), (std::vector<std::string>{"b.png: b", "a/a.png: a", "a/a.png: a"}));
  EXPECT_THROW(MediaTree({dir_ / "absent"}), Error);
}

TEST_F(MediaTreeTest, APromptThatCannotBeReadFailsTheFilesItIsFor) {
  write("a/prompt.txt", std::string(2 << 20, 'x'));  // too long
  write("a/1.png", kPng);
  write("a/2.png", kPng);
  write("a/2.txt", "its own");
  write("a/deep/3.png", kPng);
  write("a/other/4.png", kPng);
  write("a/other/prompt.txt", "nearer");
  write("b/5.png", kPng);
  MediaTree tree({dir_ / "a", dir_ / "b", dir_ / "a/1.png"});
  std::vector<std::string> found;
  while (const std::optional<Line> line = tree.next()) {
    found.push_back(line->record ? line->record->prompt : "error");
    EXPECT_EQ(line->record.has_value(), line->error.find("prompt.txt") == std::string::npos) << line->error;
  }
  EXPECT_EQ(found, (std::vector<std::string>{"error", "its own", "error", "nearer", "", "error"}));
}

TEST_F(MediaTreeTest, LinksAreFollowedButNotInCircles) {
  write("a/1.png", kPng);
  write("a/prompt.txt", "a");
  write("elsewhere/2.png", kPng);
  std::filesystem::create_directory_symlink(dir_ / "elsewhere", dir_ / "a/linked");
  std::filesystem::create_directory_symlink(dir_ / "a", dir_ / "a/round");
  MediaTree tree({dir_ / "a"});
  EXPECT_EQ(lines(tree), (std::vector<std::string>{"a/1.png: a", "a/linked/2.png: a"}));
}

TEST(Shard, IsReadOrRefused) {
  EXPECT_TRUE(parse_shard("", "--shard").is_whole());
  EXPECT_EQ(parse_shard("3/8", "--shard").index, 3);
  EXPECT_EQ(parse_shard("3/8", "--shard").count, 8);
  for (const char* bad : {"0/4", "5/4", "3", "/", "1/", "/4", "1/x", "-1/4", "1/4/2", " 1/4"})
    EXPECT_THROW(parse_shard(bad, "--shard"), Error) << bad;
}

// Records in any order, bad lines among them: every line is in one shard, and a record in the same one.
TEST(ShardInvariant, PartsAreDisjointCompleteAndDoNotDependOnTheOrder) {
  constexpr int kRecords = 300, kShards = 7;
  std::vector<std::string> lines;
  for (int i = 0; i < kRecords; ++i)
    lines.push_back(i % 10 == 0 ? "bad line " + std::to_string(i)
                                : R"({"id":"r)" + std::to_string(i) + R"(","prompt":"p","media":["a.png"]})");
  TempDir dir;
  const auto shard_of_each = [&](int order) {
    std::string text;
    Rng rng(static_cast<std::uint64_t>(order));
    std::vector<std::string> shuffled = lines;
    if (order > 0) rng.shuffle(shuffled);
    for (const std::string& line : shuffled) text += line + "\n";
    write_file_atomic(dir / "in.jsonl", text);
    std::map<std::string, int> where;
    int bad = 0;
    for (int k = 1; k <= kShards; ++k) {
      ShardStream stream(std::make_unique<RecordReader>(dir / "in.jsonl"), {k, kShards});
      while (const std::optional<Line> line = stream.next()) {
        if (line->record)
          EXPECT_TRUE(where.emplace(line->record->id, k).second) << line->record->id << " is in two shards";
        else
          ++bad;
      }
      EXPECT_EQ(stream.position(), kRecords);
    }
    EXPECT_EQ(bad, kRecords / 10);
    return where;
  };
  const std::map<std::string, int> first = shard_of_each(0);
  EXPECT_EQ(first.size(), lines.size() - kRecords / 10);
  EXPECT_EQ(shard_of_each(1), first);
  std::vector<int> sizes(kShards + 1);
  for (const auto& [name, k] : first) ++sizes[static_cast<std::size_t>(k)];
  for (int k = 1; k <= kShards; ++k) EXPECT_GT(sizes[static_cast<std::size_t>(k)], kRecords / kShards / 2 - 5) << k;
}

}  // namespace
}  // namespace beholder::data
