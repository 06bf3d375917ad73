#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/config.h"
#include "core/container.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/progress.h"
#include "core/rng.h"
#include "core/sha256.h"
#include "core/share.h"

namespace beholder {
namespace {

TEST(File, AtomicWriteKeepsTheOldFileWhenAnyStepFails) {
  TempDir dir;
  const std::string path = dir / "record.json";
  write_file_atomic(path, "old");
  int failures = 0;
  for (int step = 1; step <= 4; ++step) {  // create, write, sync, rename
    inject_write_failure(step, ENOSPC);
    try {
      write_file_atomic(path, "new");
      ADD_FAILURE() << "step " << step << " did not fail";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kResource);
      EXPECT_EQ(e.exit_status(), 5);
      ++failures;
    }
    EXPECT_EQ(read_file(path), "old");
  }
  inject_write_failure(0, 0);
  EXPECT_EQ(failures, 4);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir.path())) ++files;
  EXPECT_EQ(files, 1) << "a temporary file was left behind";
  write_file_atomic(path, "new");
  EXPECT_EQ(read_file(path), "new");
}

TEST(File, MissingFileIsNotFound) {
  try {
    read_file("/no/such/file");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kNotFound);
    EXPECT_EQ(e.exit_status(), 3);
  }
}

// Memory can also run out in the middle of writing a checkpoint, where files are mapped.
TEST(File, AMappingRefusedIsOutOfMemory) {
  const TempDir dir;
  const std::string path = dir / "file";
  write_file_atomic(path, std::string(1 << 16, 'x'));
  const auto map_without_memory = [&] {
    const rlimit none{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_AS, &none);
    try {
      MappedFile::open(path);
    } catch (const Error& e) {
      ::_exit(e.code() == Code::kResource && is_out_of_memory(e) ? 0 : 1);
    }
    ::_exit(2);
  };
  EXPECT_EXIT(map_without_memory(), ::testing::ExitedWithCode(0), "");
}

TEST(Rng, IsAPureFunctionOfItsKey) {
  Rng a(1, 2, 3, 4), b(1, 2, 3, 4), c(1, 2, 3, 5);
  EXPECT_EQ(a.bits64(), b.bits64());
  EXPECT_NE(a.bits64(), c.bits64());
}

TEST(Rng, UniformAndNormalHaveTheRightMoments) {
  Rng rng(7);
  double sum = 0, squares = 0, normal = 0, normal2 = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform(), z = rng.normal();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
    normal += z;
    normal2 += z * z;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.005);
  EXPECT_NEAR(squares / n, 1.0 / 3, 0.005);
  EXPECT_NEAR(normal / n, 0.0, 0.01);
  EXPECT_NEAR(normal2 / n, 1.0, 0.02);
}

TEST(Sha256, MatchesThePublishedVector) {
  EXPECT_EQ(sha256_hex(std::string_view("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Json, RefusesDepthAndBrokenText) {
  EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "x"), Error);
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":"[[[{{{\\\"[["}]})", "x"));
  EXPECT_NO_THROW(parse_json("\"" + std::string(100, '[') + "\"", "x")) << "brackets in a text are no nesting";
  EXPECT_THROW(parse_json("{", "x"), Error);
  EXPECT_THROW(parse_json(R"({"a":1,"a":2})", "x", true), Error);
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "x", true));
}

struct Sample {
  double learning_rate = 1e-3;
  std::int64_t steps = 10;
  bool both_orders = true;
  std::string answer = "soft";
  std::vector<double> weights;
  void fields(FieldList& f) {
    f.add_range("learning_rate", learning_rate, 0, 1, "peak");
    f.add("steps", steps, "how many");
    f.add("both_orders", both_orders, "ask twice");
    f.add_choice("answer", answer, {"soft", "select"}, "kind");
    f.table("reward");
    f.add("weights", weights, "one per reward");
    f.end_table();
  }
};

TEST(Config, TomlAndFlagsFillTheSameFields) {
  TempDir dir;
  write_file_atomic(dir / "a.toml", "learning_rate = 5e-4\nsteps = 3\nboth_orders = false\n[reward]\nweights = [1, 0.5]\n");
  Sample s;
  FieldList list;
  s.fields(list);
  apply_toml(dir / "a.toml", list);
  EXPECT_EQ(s.learning_rate, 5e-4);
  EXPECT_EQ(s.steps, 3);
  EXPECT_FALSE(s.both_orders);
  EXPECT_EQ(s.weights, (std::vector<double>{1, 0.5}));
  set_field(*list.find("both-orders"), "true", "--both-orders");
  EXPECT_TRUE(s.both_orders);
  EXPECT_EQ(json_line(fields_to_json(list)),
            R"({"learning_rate":0.0005,"steps":3,"both_orders":true,"answer":"soft","reward":{"weights":[1.0,0.5]}})");
}

TEST(Config, WrongKeysAndValuesSayWhatIsLegal) {
  TempDir dir;
  Sample s;
  FieldList list;
  s.fields(list);
  const auto message = [&](const std::string& toml) {
    write_file_atomic(dir / "a.toml", toml);
    try {
      apply_toml(dir / "a.toml", list);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kUsage);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message("learning_rat = 1").find("did you mean \"learning_rate\""), std::string::npos);
  EXPECT_NE(message("answer = 'hard'").find("soft, select"), std::string::npos);
  EXPECT_NE(message("learning_rate = 2.0").find("out of range"), std::string::npos);
  EXPECT_NE(message("steps = 'x'").find("whole number"), std::string::npos);
  EXPECT_NE(message("steps = ").find("a.toml:1"), std::string::npos);
}

TEST(Progress, ManyWarningsAreAFewAndACount) {
  testing::internal::CaptureStderr();
  {
    Warnings warnings(2);
    for (const char* text : {"line 1", "line 2", "line 3", "line 4"}) warnings.add(text);
    EXPECT_EQ(warnings.count(), 4);
    warnings.close();  // once, though it is closed again at the end of its life
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: line 1\nwarning: line 2\nwarning: 2 more like these\n");
}

TEST(Progress, HumanNumbers) {
  EXPECT_EQ(human_duration(3723), "1 h 02 min");
  EXPECT_EQ(human_duration(200), "3 min 20 s");
  EXPECT_EQ(human_bytes(7500000000), "7.5 GB");
  EXPECT_EQ(human_count(3.75e9), "3.75 B");
}

TEST(Share, WilsonIntervalIsTheTextbookOne) {
  const auto [low, high] = wilson_interval(0.5, 10);  // Newcombe 1998's form: 0.2366, 0.7634
  EXPECT_NEAR(low, 0.2366, 1e-4);
  EXPECT_NEAR(high, 0.7634, 1e-4);
  EXPECT_EQ(wilson_interval(0.3, 0), (std::pair<double, double>{0, 1}));
  EXPECT_EQ(wilson_interval(0, 10).first, 0);
}

TEST(Share, IntervalOfAMeanOfTwoSharesCovers) {
  Rng rng(5, stable_hash("shares"));
  for (const auto& [p, n, q, m] : {std::tuple(0.97, 60, 0.9, 200), std::tuple(0.5, 30, 0.8, 30), std::tuple(0.995, 400, 0.98, 100)}) {
    const auto drawn = [&](double share, int count) {
      int hits = 0;
      for (int i = 0; i < count; ++i) hits += rng.chance(share);
      return static_cast<double>(hits) / count;
    };
    int covered = 0;
    for (int trial = 0; trial < 4000; ++trial) {
      const auto [low, high] = mean_share_interval(drawn(p, n), n, drawn(q, m), m);
      covered += low <= (p + q) / 2 && (p + q) / 2 <= high;
    }
    EXPECT_NEAR(covered / 4000.0, 0.95, 0.02) << p << " of " << n << ", " << q << " of " << m;
  }
}

// ---- what a container may use

TEST(Container, ItsShareOfProcessorTimeAndMemoryIsRead) {
  const TempDir root;
  const auto write = [&](const std::string& name, const std::string& text) { write_file_atomic(root / name, text); };
  const auto cores = [&](const std::string& groups) { return container_limits(groups, root.path()).cores; };
  const auto memory = [&](const std::string& groups) { return container_limits(groups, root.path()).memory_bytes; };
  EXPECT_EQ(cores("0::/\n"), 0) << "no group limits anything";
  write("pods/cpu.max", "max 100000\n");
  write("pods/memory.max", "4294967296\n");
  write("pods/mine/cpu.max", "250000 100000\n");
  write("pods/mine/memory.max", "max\n");
  EXPECT_EQ(cores("0::/pods\n"), 0);
  EXPECT_EQ(cores("0::/pods/mine\n"), 2.5);
  EXPECT_EQ(cores("0::/pods/mine/inner\n"), 2.5) << "a limit around it counts";
  EXPECT_EQ(memory("0::/pods/mine\n"), 4294967296.0);
  write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write("memory/job/memory.limit_in_bytes", "1073741824\n");
  EXPECT_EQ(cores("5:memory:/x\n4:cpu,cpuacct:/job\n0::/pods/mine\n"), 0.5) << "the smallest";
  EXPECT_EQ(memory("5:memory:/job\n0::/pods/mine\n"), 1073741824.0);
  EXPECT_EQ(cores("4:cpu,cpuacct:/\nnonsense\n"), 0);
  EXPECT_GE(usable_cores(), 1);
  EXPECT_GT(usable_memory_bytes(), 1 << 20);
}

}  // namespace
}  // namespace beholder
