#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "data/jsonl.h"
#include "judge/judge_model.h"
#include "media/image.h"
#include "train/fresh_model.h"
#include "train/record_source.h"
#include "train/sft.h"
#include "train/world_source.h"
#include "world/render.h"

namespace beholder::train {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

InitConfig small_init() {
  InitConfig init;
  init.hidden_size = 32;
  init.intermediate_size = 64;
  init.num_hidden_layers = 1;
  init.num_attention_heads = 2;
  init.num_key_value_heads = 1;
  init.vision_depth = 2;
  init.vision_hidden_size = 32;
  init.vision_intermediate_size = 48;
  init.vision_num_heads = 2;
  init.fullatt_block_indexes = {1};
  return init;
}

// One fresh model folder for all tests here: training its tokenizer takes a moment.
const std::string& model_dir() {
  static const TempDir dir;
  static const std::string path = [] {
    write_fresh_model_dir(dir / "model", small_init(), 3);
    return dir / "model";
  }();
  return path;
}

const judge::JudgeSpec& spec() {
  static const judge::JudgeSpec spec = judge::load_judge_spec(model_dir());
  return spec;
}

std::string completion_of(const SftExample& example) {
  const std::span<const std::int64_t> ids(example.segment.ids);
  return spec().tokenizer.decode(ids.subspan(static_cast<std::size_t>(example.completion_begin)), /*skip_special=*/false);
}

TEST(FreshModel, FolderLoadsAndTalksInFewTokens) {
  const hf::ModelConfig& config = spec().config;
  EXPECT_EQ(config.family, hf::Family::kQwen25VL);
  EXPECT_EQ(config.text.head_dim, 16);
  EXPECT_GE(config.text.vocab_size, spec().tokenizer.size());
  EXPECT_LE(spec().tokenizer.size(), 1024);
  EXPECT_LT(spec().tokenizer.encode("It is sharp, clean and whole. Faults: none.", hf::Specials::kPlain).size(), 14u);
  const vlm::Model model = vlm::init_model(config, 1);
  EXPECT_EQ(model.params["model.embed_tokens.weight"].size(0), config.text.vocab_size);
}

TEST(FreshModel, IsAPureFunctionOfItsArguments) {
  TempDir dir;
  write_fresh_model_dir(dir / "again", small_init(), 3);
  EXPECT_EQ(read_model_files(dir / "again"), read_model_files(model_dir()));
  EXPECT_EQ(read_file(dir / "again/config.json"), read_file(model_dir() + "/config.json"));
}

TEST(WorldSource, ExamplesDescribeTheirPicturesAndEndTheTurn) {
  WorldDataConfig config;
  config.stage_mix = {"single", "pair"};
  config.stage_steps = {10, 10};
  const WorldSource source(config, world::Split::kTrain, spec(), 1);
  const SftExample single = source.example(0, 0);
  ASSERT_EQ(single.segment.media.size(), 1u);
  EXPECT_THAT(completion_of(single), ::testing::MatchesRegex("<think>Image 1 shows .*</think>\n<answer>[1-9]</answer><\\|im_end\\|>"));
  std::map<std::size_t, int> media;
  int scores = 0;
  constexpr int kDrawn = 400;
  for (int i = 0; i < kDrawn; ++i) {
    const SftExample example = source.example(15, i);
    ++media[example.segment.media.size()];
    const std::string text = completion_of(example);
    scores += example.segment.media.size() == 2 && text.find("<answer>") + 9 != text.find("</answer>");
    EXPECT_GT(example.completion_begin, 10);
  }
  EXPECT_NEAR(media[1], 0.35 * kDrawn, 35);
  EXPECT_NEAR(media[2], 0.55 * kDrawn, 35);
  EXPECT_NEAR(media[3], 0.10 * kDrawn, 25);
  EXPECT_NEAR(scores, 0.15 * kDrawn, 30);
}

TEST(WorldSourceInvariant, ExamplesArePureAndDiffer) {
  const WorldSource a({}, world::Split::kTrain, spec(), 1), b({}, world::Split::kTrain, spec(), 1),
      other({}, world::Split::kTrain, spec(), 2);
  std::set<std::string> ids;
  for (int step = 0; step < 5; ++step) {
    for (int i = 0; i < 8; ++i) {
      const SftExample x = a.example(step, i), y = b.example(step, i);
      EXPECT_EQ(x.segment.ids, y.segment.ids);
      EXPECT_TRUE(torch::equal(x.segment.media[0].patches, y.segment.media[0].patches));
      ids.insert(x.id);
    }
  }
  EXPECT_EQ(ids.size(), 40u);
  EXPECT_NE(a.example(0, 0).id, other.example(0, 0).id);
}

TEST(WorldSource, ValidationIsOneFixedBatchPerStage) {
  WorldDataConfig config;
  config.stage_mix = {"single", "pair"};
  config.stage_steps = {10, 10};
  const WorldSource source(config, world::Split::kValidation, spec(), 1);
  EXPECT_EQ(source.example(0, 3).id, source.example(9, 3).id);
  EXPECT_NE(source.example(9, 3).id, source.example(10, 3).id);
  EXPECT_EQ(source.example(10, 3).id, source.example(99, 3).id);
  EXPECT_THAT(source.example(0, 0).id, HasSubstr("validation"));
}

TEST(WorldSource, VideosAreVideos) {
  WorldDataConfig config;
  config.video_share = 1;
  const SftExample example = WorldSource(config, world::Split::kTrain, spec(), 1).example(0, 0);
  EXPECT_TRUE(example.segment.media.at(0).video);
  EXPECT_THAT(completion_of(example), HasSubstr("Video 1 shows"));
}

// Records in real files: a few pictures of the world, one of them cut short.
void write_data(const std::string& dir, int good, bool broken) {
  std::string lines;
  for (int i = 0; i < good; ++i) {
    const world::Item item = world::make_item({}, world::Split::kTrain, i);
    const auto images = world::render_item(item);
    for (int k = 0; k < 2; ++k) write_file_atomic(format("{}/{}-{}.png", dir, i, k), media::encode_png(images[k]));
    const Json line = {{"id", format("r{}", i)},
                       {"prompt", item.prompt.text()},
                       {"media", {format("{}-0.png", i), format("{}-1.png", i)}},
                       {"completion", format("<think>Image {} is better.</think>\n<answer>{}</answer>", i % 2 + 1, i % 2 + 1)}};
    lines += line.dump() + "\n";
  }
  if (broken) fs::resize_file(dir + "/0-1.png", 40);
  lines += "{\"id\": \"no completion\", \"prompt\": \"x\", \"media\": [\"1-0.png\", \"1-1.png\"]}\n{broken\n";
  write_file_atomic(dir + "/data.jsonl", lines);
}

TEST(RecordSource, EveryRecordOncePerEpochInSeededOrder) {
  TempDir dir;
  write_data(dir.path(), 6, false);
  const RecordSource source({.path = dir / "data.jsonl", .batch_size = 3, .seed = 4}, spec());
  EXPECT_EQ(source.epoch_examples(), 6);
  std::vector<std::string> orders[2];
  for (int step = 0; step < 4; ++step)
    for (int i = 0; i < 3; ++i) orders[step / 2].push_back(source.example(step, i).id);
  EXPECT_NE(orders[0], orders[1]);
  for (auto& order : orders) {
    std::sort(order.begin(), order.end());
    EXPECT_THAT(order, ::testing::ElementsAre("r0", "r1", "r2", "r3", "r4", "r5"));
  }
  const SftExample back = source.example(0, 1);  // out of order: the same example
  EXPECT_EQ(back.id, RecordSource({.path = dir / "data.jsonl", .batch_size = 3, .seed = 4}, spec()).example(0, 1).id);
  EXPECT_THAT(completion_of(back), HasSubstr("is better.</think>\n<answer>"));
}

TEST(RecordSource, ABrokenPictureIsAProblemOfThatExample) {
  TempDir dir;
  write_data(dir.path(), 2, true);
  const RecordSource source({.path = dir / "data.jsonl", .batch_size = 1, .shuffle = false}, spec());
  const SftExample broken = source.example(0, 0);
  EXPECT_EQ(broken.id, "r0");
  EXPECT_THAT(broken.problem, HasSubstr("0-1.png"));
  EXPECT_TRUE(source.example(0, 1).problem.empty());
}

TEST(RecordSource, ControlTokensInTextStayText) {
  TempDir dir;
  write_data(dir.path(), 1, false);
  Json line = parse_json(read_file(dir / "data.jsonl").substr(0, read_file(dir / "data.jsonl").find('\n')), "line");
  line["completion"] = "<think><|image_pad|></think>\n<answer>1</answer>";
  write_file_atomic(dir / "data.jsonl", line.dump() + "\n");
  const SftExample example = RecordSource({.path = dir / "data.jsonl"}, spec()).example(0, 0);
  const auto begin = example.segment.ids.begin() + example.completion_begin;
  EXPECT_EQ(std::count(begin, example.segment.ids.end(), spec().config.image_token_id), 0);
  EXPECT_NO_THROW(vlm::pack(spec().config, std::span(&example.segment, 1)));
}

TEST(RecordSource, AFileWithNothingToTrainOnSaysSo) {
  TempDir dir;
  write_file_atomic(dir / "data.jsonl", "{\"id\":\"a\",\"prompt\":\"x\",\"media\":[\"1.png\",\"2.png\"]}\n");
  try {
    RecordSource({.path = dir / "data.jsonl"}, spec());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidInput);
    EXPECT_THAT(e.what(), HasSubstr("completion"));
  }
}

SftConfig small_sft(const std::string& dir) {
  SftConfig c;
  c.output_dir = dir;
  c.init = small_init();
  c.per_device_train_batch_size = 4;
  c.max_steps = 4;
  c.world.stage_mix = {"single", "pair"};
  c.world.stage_steps = {2, 2};
  c.logging_steps = c.save_steps = 1;
  c.eval_steps = 2;
  c.eval_examples = 4;
  return c;
}

TEST(TrainSft, FromNothingToAFinishedModelFolder) {
  TempDir dir;
  const SftOutcome outcome = train_sft(small_sft(dir / "run"));
  EXPECT_FALSE(outcome.result.interrupted);
  EXPECT_EQ(outcome.final_dir, dir / "run/final");
  const judge::JudgeModel judge = judge::load_judge_model(outcome.final_dir);
  EXPECT_NO_THROW(vlm::check_finite(judge.model));
  const std::string card = read_file(outcome.final_dir + "/README.md");
  EXPECT_THAT(card, HasSubstr("pipeline_tag: image-text-to-text"));
  EXPECT_THAT(card, HasSubstr("| 4 | "));
  EXPECT_THAT(card, ::testing::Not(HasSubstr(dir.path()))) << "names a folder of this machine";
  const Json run = read_json(dir / "run/run.json");
  EXPECT_EQ(run["config"]["world"]["stage_steps"], Json({2.0, 2.0}));
  EXPECT_EQ(run["command"], "train sft");
  EXPECT_EQ(judge::load_judge_model(dir / "run/step-4").model.params.numel(), judge.model.params.numel());
}

TEST(TrainSftInvariant, InterruptedAndResumedEqualsStraight) {
  TempDir dir;
  train_sft(small_sft(dir / "straight"));
  set_interrupted(true);
  const SftOutcome first = train_sft(small_sft(dir / "stopped"));
  set_interrupted(false);
  EXPECT_TRUE(first.result.interrupted);
  EXPECT_EQ(first.result.step, 1);
  EXPECT_TRUE(first.final_dir.empty());
  train_sft(small_sft(dir / "stopped"));
  for (const char* file : {"step-4/model.safetensors", "step-4/optimizer.safetensors", "final/model.safetensors", "final/tokenizer.json"})
    EXPECT_EQ(read_file(dir / "straight/" + file), read_file(dir / "stopped/" + file)) << file;
  EXPECT_EQ(read_json(dir / "stopped/run.json")["resumed"][0]["from_step"], 1);
}

TEST(TrainSft, GoesOnFromACheckpointOnTheUsersRecords) {
  TempDir dir;
  train_sft(small_sft(dir / "base"));
  write_data(dir.path(), 6, true);
  SftConfig c = small_sft(dir / "tuned");
  c.model = dir / "base/final";
  c.data = c.eval_data = dir / "data.jsonl";
  c.max_steps = 6;
  c.bf16 = true;
  c.save_dtype = "bf16";
  const SftOutcome outcome = train_sft(c);
  EXPECT_EQ(outcome.result.skipped, 4);  // 24 examples are four epochs, each with the picture that is cut short
  EXPECT_THAT(read_file(outcome.final_dir + "/README.md"), ::testing::Not(HasSubstr(dir.path())));
  const vlm::Model model = vlm::load_model(outcome.final_dir);
  EXPECT_EQ(model.dtype, at::kBFloat16);
  EXPECT_EQ(read_json(outcome.final_dir + "/config.json")["torch_dtype"], "bfloat16");
  write_data(dir.path(), 5, false);
  try {
    train_sft(c);
    FAIL() << "went on with other records";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("inputs.data_sha256"));
  }
}

}  // namespace
}  // namespace beholder::train
