// Which groups a batch is made of, and how its completions are written down.
#include "train/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "train/completions.h"
#include "train/grpo_bench.h"
#include "train/rollout_metrics.h"

namespace beholder::train {
namespace {
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Four groups of two completions that are too short to be read; `command` rewards them.
GrpoConfig commanded(const std::string& command) {
  GrpoConfig c = small_run("");
  c.num_generations = 2;
  c.max_completion_length = 4;
  c.reward_funcs = {};
  c.reward_command = command;
  c.gate_on_format = false;
  return c;
}

std::vector<std::string> ids_of(const RolloutBatch& batch) {
  std::vector<std::string> out;
  for (const Group& group : batch.groups) out.push_back(group.item.id);
  return out;
}

double refills_logged(const RolloutBatch& batch) {
  Meters meters;
  meter_rollout(batch, {"command"}, meters);
  return meters.mean("refilled_groups");
}

// Rewards of items called flat-… are equal, those of the others 1 and 0.
constexpr const char* kMixed = R"(n=0; while read -r line; do n=$((1-n)); case "$line" in *'"flat-'*) echo 1;; *) echo $n;; esac; done)";

ChangedWorld every_second_flat() {
  ChangedWorld world;
  world.change = [](std::int64_t number, PreferenceItem& item) { item.id = format("{}-{}", number % 2 == 0 ? "flat" : "mixed", number); };
  return world;
}

TEST(DynamicSampling, GroupsOfEqualRewardsAreReplaced) {
  GrpoConfig c = commanded(kMixed);
  const ChangedWorld world = every_second_flat();
  std::int64_t cursor = 0;
  const RolloutBatch plain = Roller(c, embedded().spec, embedded().model, world, nullptr).next(cursor);
  EXPECT_THAT(ids_of(plain), ElementsAre("flat-0", "mixed-1", "flat-2", "mixed-3"));
  EXPECT_EQ(plain.advantages.frac_reward_zero_std, 0.5);
  EXPECT_TRUE(std::isnan(refills_logged(plain)));

  c.dynamic_sampling = true;
  cursor = 0;
  const RolloutBatch batch = Roller(c, embedded().spec, embedded().model, world, nullptr).next(cursor);
  EXPECT_THAT(ids_of(batch), ElementsAre("mixed-1", "mixed-3", "mixed-5", "mixed-7"));
  EXPECT_EQ(batch.advantages.frac_reward_zero_std, 0);
  EXPECT_EQ(refills_logged(batch), 4) << "flat-0 and -2, then -4, then -6";
  EXPECT_EQ(cursor, 8) << "the next batch goes on behind what was looked at";
}

TEST(DynamicSampling, AfterThreeTriesEqualRewardsStay) {
  GrpoConfig c = commanded("sed s/.*/0.5/");
  c.dynamic_sampling = true;
  const ChangedWorld world = every_second_flat();
  std::int64_t cursor = 0;
  const RolloutBatch batch = Roller(c, embedded().spec, embedded().model, world, nullptr).next(cursor);
  EXPECT_THAT(ids_of(batch), ElementsAre("flat-12", "mixed-13", "flat-14", "mixed-15"));
  EXPECT_EQ(refills_logged(batch), 12);
  EXPECT_EQ(batch.advantages.frac_reward_zero_std, 1);
  EXPECT_EQ(cursor, 16);
}

TEST(Rollout, APromptThatDoesNotFitIsLeftOutByName) {
  GrpoConfig c = commanded("sed s/.*/1/");
  ChangedWorld world;
  world.change = [](std::int64_t number, PreferenceItem& item) {
    if (number != 1) return;
    item.id = "long";
    for (int i = 0; i < 40; ++i) item.prompt += " and a red circle";
  };
  judge::JudgeSpec spec = judge::load_judge_spec(embedded().dir);
  std::int64_t room = 0, cursor = 0;
  c.per_device_train_batch_size = 10;
  for (const Group& group : Roller(c, spec, embedded().model, world, nullptr).next(cursor).groups)
    if (group.item.id != "long") room = std::max(room, std::ssize(group.prompt.ids) + c.max_completion_length);

  spec.config.text.max_position_embeddings = room;  // the longest of the others just fits
  c.per_device_train_batch_size = 8;
  cursor = 0;
  const RolloutBatch batch = Roller(c, spec, embedded().model, world, nullptr).next(cursor);
  ASSERT_EQ(batch.problems.size(), 1u);
  EXPECT_THAT(batch.problems[0], StartsWith("long: prompt: "));
  EXPECT_THAT(batch.problems[0], HasSubstr(format("the model takes {}", room)));
  EXPECT_EQ(batch.groups.size(), 4u) << "another item took its place";
  EXPECT_THAT(ids_of(batch), ::testing::Not(::testing::Contains("long")));
  EXPECT_EQ(cursor, 5);
}

Json written_line(int drawn) {
  Sample sample;
  sample.vote.text = "<think>both</think>\n<answer>2</answer>";
  sample.vote.verdict.parsed = true;
  sample.vote.verdict.choice = 1;
  sample.vote.drawn = drawn;
  sample.vote.p = {0.6, 0.4};
  sample.rewards = {1};
  Group group;
  group.item.id = "a";
  group.media.resize(2);
  group.samples = {sample};
  RolloutBatch batch;
  batch.groups = {group};
  return parse_json(completion_lines(7, batch, {"format"}), "completions");
}

TEST(Completions, TheChoiceIsTheOneThatWasDrawn) {
  EXPECT_EQ(written_line(2)["choice"], 2) << "1 is likelier, 2 is what was said and graded";
  EXPECT_EQ(written_line(0)["choice"], 1) << "scores have no index that was drawn";
}

}  // namespace
}  // namespace beholder::train
