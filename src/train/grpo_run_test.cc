// `train grpo` as a whole: which of its models is the best one, and what a folder may be resumed with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "train/grpo_bench.h"

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

bool same_weights(const std::string& a, const std::string& b) {
  const vlm::Model first = vlm::load_model(a), second = vlm::load_model(b);
  return std::ranges::all_of(first.params.all(), [&](const auto& p) { return torch::equal(p.second, second.params[p.first]); });
}

TEST(GrpoRun, BestIsTheModelThatTheMetricNames) {
  for (const char* metric : {"eval_brier", "eval_accuracy"}) {
    TempDir dir;
    GrpoConfig c = small_run(dir.path());
    c.learning_rate = 1e-3;  // rough: the last model is not the best one
    c.max_steps = 5;
    c.save_steps = c.eval_steps = 1;
    c.save_total_limit = 0;
    c.save_dtype = "fp32";
    c.eval_items = 24;
    c.metric_for_best_model = metric;
    const GrpoResult result = train_grpo(c).result;
    double best = std::string(metric) == "eval_brier" ? 2 : -1;
    std::int64_t step = -1;
    for (const std::string& line : metrics(dir.path())) {
      const Json json = parse_json(line, "metrics");
      if (!json.contains(metric)) continue;
      const auto value = json[metric].get<double>();
      if (std::string(metric) == "eval_brier" ? value >= best : value <= best) continue;
      best = value;
      step = json["step"];
    }
    ASSERT_GE(step, 0);
    EXPECT_LT(step, c.max_steps) << "cannot tell the best from the last";
    EXPECT_EQ(result.best_step, step) << metric;
    EXPECT_EQ(result.best_metric, best) << metric;
    for (std::int64_t other = 0; other <= c.max_steps; ++other)
      EXPECT_EQ(same_weights(dir / "best", other == 0 ? c.model : dir / format("step-{}", other)), other == step) << metric << " " << other;
  }
}

// What `train_grpo` says when it will not go on; empty when it does.
std::string refusal_to_go_on(const GrpoConfig& config) {
  try {
    train_grpo(config);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kUsage);
    return e.what();
  }
  return "";
}

TEST(GrpoRun, GoesOnFromTheSameDataOnly) {
  TempDir dir;
  const std::string picture = format("{}/tests/data/vlm/cases/im15_60x100_RGB.png", BEHOLDER_SOURCE_DIR);
  const std::string line = json_line({{"id", "a"}, {"prompt", "a cup"}, {"media", {picture, picture}}, {"target", {{"pair", 0.8}}}}) + "\n";
  write_file_atomic(dir / "data.jsonl", line);
  GrpoConfig c = small_run(dir / "run");
  c.data = dir / "data.jsonl";
  c.max_completion_length = 4;
  c.max_steps = 1;
  ASSERT_EQ(refusal_to_go_on(c), "");
  EXPECT_EQ(refusal_to_go_on(c), "") << "nothing changed";
  write_file_atomic(dir / "data.jsonl", line + line);
  EXPECT_THAT(refusal_to_go_on(c), HasSubstr("another inputs.data_sha256 "));
}

// The embedded judge in `dir`, with one number of one weight changed.
void write_judge(const std::string& dir, double change) {
  fs::copy(embedded().dir, dir, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  vlm::Model model = own_copy();
  model.params["visual.merger.mlp.2.bias"][0] += change;
  vlm::save_model(model, dir, at::kFloat);
}

TEST(GrpoRun, GoesOnWithTheSameWeightsOnly) {
  TempDir dir;
  for (const char* name : {"judge", "listener"}) write_judge(dir / name, 0);
  GrpoConfig c = small_run(dir / "run");
  c.model = dir / "judge";
  c.listener = dir / "listener";
  c.reward_funcs = {"format", "listener"};
  c.max_completion_length = 4;
  c.max_steps = 1;
  ASSERT_EQ(refusal_to_go_on(c), "");
  EXPECT_EQ(refusal_to_go_on(c), "") << "nothing changed";
  write_judge(dir / "listener", 1e-3);
  EXPECT_THAT(refusal_to_go_on(c), HasSubstr("another inputs.listener_weights_sha256 "));
  write_judge(dir / "listener", 0);
  write_judge(dir / "judge", 1e-3);
  EXPECT_THAT(refusal_to_go_on(c), HasSubstr("another inputs.model_weights_sha256 "));
}

TEST(GrpoRun, GoesOnFromACheckpointOfBeforeTheWeightsWereNamed) {
  TempDir dir;
  GrpoConfig c = small_run(dir.path());
  c.max_completion_length = 4;
  c.max_steps = 1;
  const auto given = [](const Json& inputs) { return [inputs](GrpoTask& task) { task.inputs = inputs; }; };
  Bench old(c, at::kFloat, given({{"data_sha256", "d"}}));
  old.trainer.resume();
  old.trainer.run();
  EXPECT_EQ(Bench(c, at::kFloat, given({{"data_sha256", "d"}, {"listener_weights_sha256", "l"}})).trainer.resume(), 1);
  EXPECT_THROW(Bench(c, at::kFloat, given({{"data_sha256", "e"}, {"listener_weights_sha256", "l"}})).trainer.resume(), Error);
  EXPECT_THROW(Bench(c, at::kFloat, given(Json::object())).trainer.resume(), Error) << "what was stored must be there";
}

}  // namespace
}  // namespace beholder::train
