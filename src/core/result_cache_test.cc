#include "core/result_cache.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder {
namespace {

std::string key(int i) {
  return ResultCache::key_of({{"item", i}});
}

Json value(int i) {
  return {{"score", i / 7.0}, {"thought", "line\nbreak \"quoted\" ä"}};
}

TEST(ResultCache, GivesBackWhatWasPutAlsoToTheNextProgram) {
  TempDir dir;
  {
    ResultCache cache(dir / "made/for/it");
    EXPECT_FALSE(cache.find(key(1)));
    cache.put(key(1), value(1));
    cache.put(key(2), value(2));
    cache.put(key(1), value(3));
    EXPECT_EQ(cache.find(key(1)), value(3)) << "the last one counts";
  }
  ResultCache cache(dir / "made/for/it");
  EXPECT_EQ(cache.size(), 2);
  EXPECT_EQ(cache.find(key(1)), value(3));
  EXPECT_EQ(cache.find(key(2)), value(2));
  EXPECT_FALSE(cache.find(key(3)));
  EXPECT_EQ(cache.damaged(), 0);
}

TEST(ResultCache, AKeyIsOfEverything) {
  const Json all{{"model", "a"}, {"prompt", "p"}};
  EXPECT_EQ(ResultCache::key_of(all), ResultCache::key_of(Json::parse(all.dump())));
  EXPECT_NE(ResultCache::key_of(all), ResultCache::key_of({{"model", "a"}, {"prompt", "q"}}));
}

// Every byte of an entry in turn: it is the old value or a miss, never another one.
TEST(ResultCache, ADamagedEntryIsAMiss) {
  TempDir dir;
  const std::string path = dir / "entries.jsonl";
  {
    ResultCache cache(dir.path());
    cache.put(key(1), value(1));
    cache.put(key(2), value(2));
  }
  const std::string good = read_file(path);
  const std::size_t first = good.find('\n');
  std::size_t misses = 0;
  for (std::size_t at = 0; at < first; at += 3) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file_atomic(path, bad);
    ResultCache cache(dir.path());
    const std::optional<Json> found = cache.find(key(1));
    EXPECT_TRUE(!found || found == value(1)) << "byte " << at;  // the last digit of a number may not matter
    misses += found ? 0 : 1;
    EXPECT_EQ(cache.find(key(2)), value(2)) << "byte " << at;
  }
  EXPECT_GE(misses + 1, (first + 2) / 3);
  for (const std::string& bad : {good.substr(first / 2), std::string("rubbish\n") + good.substr(first + 1)}) {
    write_file_atomic(path, bad);
    ResultCache cache(dir.path());
    EXPECT_FALSE(cache.find(key(1)));
    EXPECT_EQ(cache.find(key(2)), value(2));
    EXPECT_EQ(cache.damaged(), 1);
    cache.put(key(1), value(1));
    EXPECT_EQ(cache.find(key(1)), value(1)) << "written anew";
  }
}

TEST(ResultCache, HalfALineOfAKilledWriterSpoilsNothingElse) {
  TempDir dir;
  {
    ResultCache(dir.path()).put(key(1), value(1));
  }
  const std::string whole = read_file(dir / "entries.jsonl");
  write_file_atomic(dir / "entries.jsonl", whole + whole.substr(0, whole.size() / 2));
  {
    ResultCache cache(dir.path());
    EXPECT_EQ(cache.damaged(), 1);
    cache.put(key(2), value(2));
    EXPECT_EQ(cache.find(key(2)), value(2));
  }
  ResultCache cache(dir.path());
  EXPECT_EQ(cache.find(key(1)), value(1));
  EXPECT_EQ(cache.find(key(2)), value(2));
}

TEST(ResultCache, ProcessesAppendTogether) {
  TempDir dir;
  constexpr int kWriters = 4, kEach = 200;
  std::vector<pid_t> children;
  for (int w = 0; w < kWriters; ++w) {
    const pid_t child = ::fork();
    if (child == 0) {
      ResultCache cache(dir.path());
      for (int i = 0; i < kEach; ++i) cache.put(key(w * kEach + i), value(w * kEach + i));
      bool good = true;
      for (int i = 0; i < kEach; ++i) good = good && cache.find(key(w * kEach + i)) == value(w * kEach + i);
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "a writer finds its own entries between those of others";
  }
  ResultCache cache(dir.path());
  EXPECT_EQ(cache.size(), kWriters * kEach);
  for (int i = 0; i < kWriters * kEach; ++i) EXPECT_EQ(cache.find(key(i)), value(i)) << i;
  EXPECT_EQ(cache.damaged(), 0);
}

TEST(ResultCache, SaysWhereItCannotBe) {
  TempDir dir;
  write_file_atomic(dir / "file", "x");
  EXPECT_THROW(ResultCache(dir / "file"), Error);
}

}  // namespace
}  // namespace beholder
