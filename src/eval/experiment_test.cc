#include "eval/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "eval/arm_rows.h"
#include "eval/comparison.h"
#include "eval/runner.h"

namespace beholder::eval {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ExperimentTest : public ::testing::Test {
 protected:
  Experiment read(const std::string& recipe) {
    write_file_atomic(dir_ / "recipe.toml", recipe);
    return read_experiment(dir_ / "recipe.toml", "BASE");
  }
  std::string refusal(const std::string& recipe) {
    try {
      read(recipe);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kUsage);
      return e.what();
    }
    return "";
  }
  std::string head(const std::string& more = "") {
    return format("output_dir = \"{}\"\nseeds = [1, 2]\n[eval]\nsplits = [\"test\"]\nn = 4\n[grpo]\nmax_steps = 5\nlearning_rate = 0.5\n{}",
                  dir_ / "out", more);
  }

  // A stand-in for the program: "trains" by writing metrics, "evaluates" by writing four rows; an arm with learning_rate 9 fails.
  std::string program() {
    const std::string path = dir_ / "program";
    write_file_atomic(path, R"(#!/bin/sh
out= rows= config= model=
echo "$@" >> )" + dir_ / "calls" +
                                R"(
for word; do
  case "$last" in --output-dir) out=$word;; --rows) rows=$word;; --config) config=$word;; --model) model=$word;; esac
  last=$word
done
if [ "$1" = train ]; then
  if grep -q 'learning_rate = 9' "$config"; then echo "error: too fast" >&2; exit 3; fi
  mkdir -p "$out"; echo '{"step":5}' > "$out/metrics.jsonl"; echo '{"interrupted":false}'
else
  right=1; case "$model" in BASE) right=0;; esac
  for id in a b c d; do
    echo "{\"id\":\"$id\",\"verdict_accuracy\":[$right,1],\"bayes_accuracy\":[1,1],\"brier\":[0.1,1]}"; [ $id = c ] && right=0
  done > "$rows"
  echo '{}'
fi
)");
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::vector<std::string> calls() {
    std::ifstream file(dir_ / "calls");
    std::vector<std::string> out;
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }

  TempDir dir_;
};

TEST_F(ExperimentTest, AJudgeOfScoresIsAskedForScores) {
  const Experiment e =
      read(head("[[arm]]\nname = \"start\"\ntrain = \"none\"\n[[arm]]\nname = \"score\"\nreward_funcs = [\"format\", \"score\"]\n"
                "[[arm]]\nname = \"soft\"\nreward_funcs = [\"format\", \"soft\"]\n"
                "[[arm]]\nname = \"start, score\"\ntrain = \"none\"\nanswer = \"score\"\n"));
  ASSERT_EQ(e.runs.size(), 6U);
  for (std::size_t r = 0; r < e.runs.size(); ++r) {
    const std::vector<std::string>& asked = e.runs[r].steps.back().args;
    EXPECT_EQ(std::count(asked.begin(), asked.end(), "--answer"), e.runs[r].arm.ends_with("score") ? 1 : 0) << e.runs[r].arm;
  }
}

TEST_F(ExperimentTest, TheRecipeMayNameTheColdStart) {
  const Experiment e = read("model = \"START\"\n" + head("[[arm]]\nname = \"cold\"\ntrain = \"none\"\n[[arm]]\nname = \"a\"\n"));
  EXPECT_THAT(e.runs[0].steps[0].args, Contains("START"));
  EXPECT_THAT(e.runs[1].settings, HasSubstr("model = 'START'"));
}

TEST_F(ExperimentTest, ArmsAreTheBaseAndWhatTheyChange) {
  const Experiment e =
      read(head("[[arm]]\nname = \"cold\"\ntrain = \"none\"\n[[arm]]\nname = \"a / b\"\nlearning_rate = 0.25\nloss_type = \"grpo\"\n"
                "[[arm]]\nname = \"c\"\nseeds = [7]\nmodel = \"@a / b\"\nlistener = \"@cold\"\n"));
  ASSERT_EQ(e.arms.size(), 3u);
  ASSERT_EQ(e.runs.size(), 4u);
  EXPECT_THAT(e.arms[1].runs, ElementsAre(1, 2));
  EXPECT_EQ(e.runs[1].dir, dir_ / "out/a_b/seed-1");
  EXPECT_THAT(e.runs[1].settings, HasSubstr("learning_rate = 0.25"));
  EXPECT_THAT(e.runs[1].settings, HasSubstr("loss_type = 'grpo'"));
  EXPECT_THAT(e.runs[1].settings, HasSubstr("max_steps = 5"));
  EXPECT_THAT(e.runs[1].settings, HasSubstr("model = 'BASE'"));
  EXPECT_EQ(e.runs[1].steps[0].pieces, 5);
  EXPECT_THAT(e.runs[3].after, ElementsAre(1)) << "no run of seed 7: the first";
  EXPECT_THAT(e.runs[3].settings, HasSubstr(e.runs[1].dir + "/train/final"));
  EXPECT_THAT(e.runs[3].settings, HasSubstr("listener = 'BASE'"));
  EXPECT_EQ(e.runs[0].steps.size(), 1u) << "nothing to train";
}

TEST_F(ExperimentTest, WhatCannotWorkIsRefusedWithItsPlace) {
  const std::string arm = "[[arm]]\nname = \"a\"\n";
  EXPECT_THAT(refusal("output_dir = "), HasSubstr("recipe.toml:1"));
  EXPECT_THAT(refusal("title = \"x\"\n"), HasSubstr("output_dir"));
  EXPECT_THAT(refusal(head()), HasSubstr("[[arm]]"));
  EXPECT_THAT(refusal(head("[nonsense]\nx = 1\n" + arm)), HasSubstr("nonsense"));
  EXPECT_THAT(refusal(head(arm + arm)), HasSubstr("twice"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\ntrain = \"dpo\"\n")), HasSubstr("dpo"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\nseeds = [\"x\"]\n")), HasSubstr("whole numbers"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\nseeds = [4, 4]\n")), HasSubstr("different")) << "they would share a folder";
  EXPECT_THAT(refusal(head("[[arm]]\nname = 5\n")), HasSubstr("a text"));
  EXPECT_THAT(refusal("arm = [1, 2]\noutput_dir = \"x\"\n[eval]\nsplits = [\"test\"]\n"), HasSubstr("[[arm]]"));
  EXPECT_THAT(refusal("output_dir = \"x\"\n[eval]\nsplits = [\"test\"]\nn = \"x\"\n" + arm), HasSubstr("eval: n: is not a whole number"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\ntrain = \"sft\"\n")), HasSubstr("max_steps"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\nmodel = \"@b\"\n")), HasSubstr("\"b\" is no arm"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\nmodel = \"@b\"\n[[arm]]\nname = \"b\"\nmodel = \"@a\"\n")), HasSubstr("needs itself"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\ntrain = \"none\"\nlearning_rate = 1\n")), HasSubstr("trains nothing"));
}

TEST_F(ExperimentTest, RunsWhatIsMissingAndComparesWhatIsThere) {
  const Experiment e = read(
      head("[[arm]]\nname = \"cold\"\ntrain = \"none\"\n[[arm]]\nname = \"good\"\n[[arm]]\nname = \"bad\"\nseeds = [1]\nlearning_rate = 9\n"
           "[[arm]]\nname = \"heir\"\nseeds = [1]\nmodel = \"@bad\"\n"));
  const RunnerOptions options{.program = program(), .jobs = 2};
  const RunnerResult first = run_all(e.runs, options);
  EXPECT_FALSE(first.interrupted);
  EXPECT_THAT(first.failures, ElementsAre("", "", "", HasSubstr("too fast"), HasSubstr("needs bad, seed 1, which failed")));
  EXPECT_EQ(calls().size(), 6u) << "one measurement, two trainings with one each, one failure";

  const Json comparison = compare_arms(e);
  const Json& good = comparison["arms"][1]["splits"]["test"];
  EXPECT_EQ(good["verdict_accuracy"]["value"], 0.75);
  EXPECT_EQ(good["verdict_accuracy"]["difference"], 0.75);
  EXPECT_EQ(good["verdict_accuracy"]["gap_closed"], 0.75);
  EXPECT_EQ(good["verdict_accuracy"]["by_seed"], Json({0.75, 0.75}));
  EXPECT_EQ(comparison["arms"][0]["splits"]["test"]["verdict_accuracy"]["value"], 0.0);
  EXPECT_EQ(comparison["arms"][2]["unfinished"], 1);
  EXPECT_THAT(comparison_text(comparison, "test"), HasSubstr("+0.750"));

  run_all(e.runs, options);
  EXPECT_EQ(calls().size(), 7u) << "only the failed training is tried again";
  std::filesystem::remove(summary_path(e.runs[1], "test"));
  run_all(e.runs, options);
  EXPECT_EQ(calls().size(), 9u) << "and what was removed";
}

TEST_F(ExperimentTest, OtherMeasurementsAreMadeAgainAndTheTrainingStays) {
  const std::string arm = "[[arm]]\nname = \"a\"\nseeds = [1]\n";
  const Experiment before = read(head(arm));
  run_all(before.runs, {.program = program()});
  const auto trained = std::filesystem::last_write_time(before.runs[0].steps[0].done);
  std::string text = head(arm);
  text.replace(text.find("[eval]"), 6, "[eval]\nvotes = 4");
  const Experiment after = read(text);
  const std::size_t calls_before = calls().size();
  run_all(after.runs, {.program = program()});
  EXPECT_EQ(calls().size() - calls_before, after.splits.size()) << "every split again, and no training";
  EXPECT_THAT(calls().back(), HasSubstr("--votes 4"));
  EXPECT_EQ(std::filesystem::last_write_time(after.runs[0].steps[0].done), trained);
}

TEST_F(ExperimentTest, AnArmIsSetAgainstAnother) {
  const Experiment e =
      read(head("[[arm]]\nname = \"cold\"\ntrain = \"none\"\n[[arm]]\nname = \"plain\"\nseeds = [1]\n[[arm]]\nname = \"heard\"\n"
                "seeds = [1]\nagainst = \"plain\"\n"));
  EXPECT_EQ(e.arms[2].against, 1u);
  run_all(e.runs, {.program = program()});
  write_file_atomic(rows_path(e.runs[2], "test"),
                    "{\"id\":\"a\",\"verdict_accuracy\":[1,1]}\n{\"id\":\"b\",\"verdict_accuracy\":[1,1]}\n"
                    "{\"id\":\"c\",\"verdict_accuracy\":[1,1]}\n{\"id\":\"d\",\"verdict_accuracy\":[1,1]}\n");
  const Json comparison = compare_arms(e);
  const Json& heard = comparison["arms"][2]["splits"]["test"]["verdict_accuracy"];
  EXPECT_EQ(heard["difference"], 1.0) << "the cold start is never right";
  EXPECT_EQ(heard["against"], 0.25) << "plain is right in three of four";
  EXPECT_EQ(comparison["arms"][2]["against"], "plain");
  EXPECT_FALSE(comparison["arms"][1]["splits"]["test"]["verdict_accuracy"].contains("against"));
  EXPECT_THAT(refusal(head("[[arm]]\nname = \"a\"\nagainst = \"b\"\n")), HasSubstr("\"b\" is no arm"));
}

// By hand: what the judge's and the listener's probabilities say beyond means.
TEST(ArmRows, CalibrationAndAccuracyByListener) {
  const TempDir dir;
  write_file_atomic(
      dir / "rows",
      "{\"id\":\"a\",\"q\":0.8,\"p\":0.9,\"heard\":0.9}\n{\"id\":\"b\",\"q\":0.8,\"p\":0.1,\"heard\":0.7,\"brier\":[0.49,1]}\n"
      "{\"id\":\"c\",\"q\":0.5}\n");
  const ArmRows rows = read_arm_rows(dir / "rows");
  EXPECT_EQ(rows.at("b").parts.at("brier").sum, 0.49);
  // Both forecasts are equally sure (0.9), so they share a mean: right in 0.8 and 0.2 of the votes.
  EXPECT_NEAR(calibration_error({rows})["value"].get<double>(), 0.4, 1e-12);
  const Json bins = accuracy_by_listener({rows});
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_NEAR(bins[0]["heard"].get<double>(), 0.3, 1e-12) << "b chose medium 2, which the listener gave 0.3";
  EXPECT_EQ(bins[0]["accuracy"], 0.0);
  EXPECT_EQ(bins[1]["accuracy"], 1.0);
  EXPECT_TRUE(accuracy_by_listener({}).empty());
  EXPECT_TRUE(calibration_error({})["value"].is_null());
}

TEST_F(ExperimentTest, AFolderOfOtherSettingsIsLeftAlone) {
  run_all(read(head("[[arm]]\nname = \"a\"\n")).runs, {.program = program()});
  const Experiment changed = read(head("[[arm]]\nname = \"a\"\nlearning_rate = 0.125\n"));
  try {
    run_all(changed.runs, {.program = program()});
    FAIL() << "mixed two settings";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUsage);
    EXPECT_THAT(std::string(e.what()), HasSubstr("other settings"));
  }
}

TEST_F(ExperimentTest, ArmsOfOtherItemsAreNotCompared) {
  const Experiment e = read(head("[[arm]]\nname = \"a\"\nseeds = [1]\n[[arm]]\nname = \"b\"\nseeds = [1]\n"));
  run_all(e.runs, {.program = program()});
  write_file_atomic(rows_path(e.runs[1], "test"), "{\"id\":\"z\",\"brier\":[0,1]}\n");
  EXPECT_THROW(compare_arms(e), Error);
  write_file_atomic(rows_path(e.runs[1], "test"), "nonsense\n");
  EXPECT_THROW(compare_arms(e), Error);
}

}  // namespace
}  // namespace beholder::eval
