#include "app/jsonl_out.h"

#include <gtest/gtest.h>

#include "app/media_inputs.h"
#include "core/error.h"
#include "core/file.h"

namespace beholder::app {
namespace {

int status_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.exit_status();
  }
  return 0;
}

TEST(JsonlOut, ContinuesAfterTheLastWholeLine) {
  TempDir dir;
  const std::string path = dir / "out.jsonl";
  {
    JsonlOut out(path, false);
    out.write({{"id", "a"}, {"n", 1}});
    out.write({{"id", "b"}});
    out.write({{"id", nullptr}, {"line", 3}, {"error", "bad"}});
  }
  const std::string whole = read_file(path);
  write_file_atomic(path, whole + R"({"id":"c","half)");
  EXPECT_EQ(status_of([&] { JsonlOut(path, false); }), 2) << "results are not overwritten";
  {
    JsonlOut out(path, true);
    EXPECT_EQ(read_file(path), whole) << "the half line is gone";
    EXPECT_EQ(out.before().done, 3);
    EXPECT_TRUE(out.take_done("a"));
    EXPECT_FALSE(out.take_done("a")) << "it stood there once";
    EXPECT_TRUE(out.take_done(JsonlOut::line_key(3)));
    EXPECT_FALSE(out.take_done("c"));
    out.write({{"id", "c"}});
  }
  EXPECT_EQ(read_file(path), whole + "{\"id\":\"c\"}\n");
}

TEST(JsonlOut, FindsOutEarlyThatItCannotWrite) {
  TempDir dir;
  EXPECT_EQ(status_of([&] { JsonlOut(dir / "no/such/folder.jsonl", false); }), 5);
  EXPECT_EQ(status_of([&] { JsonlOut(dir.path(), false); }), 5);
  EXPECT_EQ(status_of([&] { JsonlOut("", true); }), 2);
  write_file_atomic(dir / "other.txt", "not json\n");
  EXPECT_EQ(status_of([&] { JsonlOut(dir / "other.txt", true); }), 3);
  EXPECT_EQ(read_file(dir / "other.txt"), "not json\n");
  EXPECT_EQ(status_of([&] { JsonlOut("/dev/full", false).write({{"id", "a"}}); }), 5);
}

TEST(MediaInputs, ExpandsFoldersAndPatterns) {
  TempDir dir;
  for (const char* name : {"b.png", "a.JPG", "notes.txt", "sub/c.png", "v.mp4", "odd[1].png"}) write_file_atomic(dir / name, "x");
  using List = std::vector<std::string>;
  EXPECT_EQ(expand_media({dir.path()}), (List{dir / "a.JPG", dir / "b.png", dir / "odd[1].png", dir / "v.mp4"}));
  EXPECT_EQ(expand_media({dir / "*.png", dir / "v.mp4"}), (List{dir / "b.png", dir / "odd[1].png", dir / "v.mp4"}));
  EXPECT_EQ(expand_media({dir / "odd[1].png"}), (List{dir / "odd[1].png"})) << "a file's own name is no pattern";
  EXPECT_EQ(status_of([&] { expand_media({dir / "*.gif"}); }), 3);
  EXPECT_EQ(status_of([&] { expand_media({dir / "absent.png"}); }), 3);
  write_file_atomic(dir / "empty/readme.txt", "x");
  EXPECT_EQ(status_of([&] { expand_media({dir / "empty"}); }), 3);
}

}  // namespace
}  // namespace beholder::app
