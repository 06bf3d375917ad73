#include "eval/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/error.h"
#include "core/file.h"

namespace beholder::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunnerTest : public ::testing::Test {
 protected:
  // A stand-in for the program: appends its first word to the file that is its second, and says nothing.
  RunnerTest() : program_(dir_ / "program") {
    write_file_atomic(program_, "#!/bin/sh\necho $1 >> $2\n");
    ::chmod(program_.c_str(), 0755);
  }
  Step step(const std::string& word) { return {.args = {word, dir_ / "made"}, .done = dir_ / "run/step.json", .made = dir_ / "made"}; }
  RunnerResult run(const Step& step, std::size_t fixed = 0) {
    return run_all({{.arm = "a", .dir = dir_ / "run", .fixed = fixed, .steps = {step}}}, {.program = program_});
  }

  TempDir dir_;
  std::string program_;
};

TEST_F(RunnerTest, ACommandThatSaysNothingIsDone) {
  EXPECT_THAT(run(step("one")).failures, ElementsAre(""));
  EXPECT_EQ(read_file(dir_ / "run/step.json"), "{}\n");
  run(step("one"));
  EXPECT_EQ(read_file(dir_ / "made"), "one\n") << "and not run again";
}

TEST_F(RunnerTest, AStepOfOtherSettingsIsMadeAgainOrRefused) {
  run(step("one"));
  run(step("two"));
  EXPECT_EQ(read_file(dir_ / "made"), "two\n") << "nothing of the old settings is left in it";
  try {
    run(step("three"), 1);
    FAIL() << "mixed two settings";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUsage);
    EXPECT_THAT(std::string(e.what()), HasSubstr(dir_ / "run"));
  }
  EXPECT_EQ(read_file(dir_ / "made"), "two\n");
}

}  // namespace
}  // namespace beholder::eval
