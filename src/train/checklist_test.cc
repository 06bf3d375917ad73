#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "core/error.h"
#include "core/file.h"
#include "core/format.h"
#include "core/interrupt.h"
#include "train/answer_tokens.h"
#include "train/checklist_eval.h"
#include "train/checklist_trainer.h"
#include "train/fresh_model.h"
#include "train/world_taught.h"
#include "world/questions.h"

namespace beholder::train {
namespace {

InitConfig tiny() {
  InitConfig init;
  init.hidden_size = init.vision_hidden_size = 32;
  init.intermediate_size = init.vision_intermediate_size = 64;
  init.num_hidden_layers = init.vision_depth = 2;
  init.num_attention_heads = init.vision_num_heads = 2;
  init.num_key_value_heads = 1;
  init.fullatt_block_indexes = {1};
  init.min_pixels = 1024;
  init.max_pixels = 2304;
  return init;
}

// A fresh model folder whose tokenizer has the answers' tokens.
struct Fresh {
  TempDir dir;
  std::map<std::string, std::string> files;
  judge::JudgeSpec spec;

  Fresh() : spec(make()) {}
  judge::JudgeSpec make() {
    write_fresh_model_dir(dir.path(), tiny(), 1);
    files = read_model_files(dir.path());
    const std::vector<std::string> words = {"yes", "no"};
    add_word_tokens(files, judge::load_judge_spec(dir.path()), words, "fresh");
    for (const auto& [name, bytes] : files) write_file_atomic(dir / name, bytes);
    return judge::load_judge_spec(dir.path());
  }
};

ChecklistConfig tiny_checklist(const std::string& dir) {
  ChecklistConfig c;
  c.output_dir = dir;
  c.max_steps = 4;
  c.per_device_train_batch_size = 4;
  c.warmup_steps = 0;
  c.lr_scheduler_type = "constant";
  c.eval_steps = 0;
  return c;
}

WorldTaughtOptions pictures(const ChecklistConfig& c) {
  WorldTaughtOptions options;
  options.batch_size = c.batch_size();
  options.most_questions = static_cast<std::size_t>(c.questions_per_item);
  options.video_share = 0.3;
  return options;
}

TEST(AnswerTokens, WordsBecomeTokensAndOtherTextsStay) {
  TempDir dir;
  write_fresh_model_dir(dir.path(), tiny(), 1);
  const judge::JudgeSpec before = judge::load_judge_spec(dir.path());
  EXPECT_THROW(judge::find_yes_no(before.tokenizer, "fresh"), Error);
  const Fresh fresh;
  const judge::YesNoTokens tokens = judge::find_yes_no(fresh.spec.tokenizer, "fresh");
  EXPECT_EQ(fresh.spec.tokenizer.decode(tokens.yes), "yes");
  EXPECT_EQ(fresh.spec.tokenizer.decode(tokens.no), "no");
  for (const char* text : {"a red circle left of a blue square", "Image 1 shows no red circle. It is noisy.", "Faults: none."})
    EXPECT_EQ(before.tokenizer.encode(text, hf::Specials::kPlain), fresh.spec.tokenizer.encode(text, hf::Specials::kPlain)) << text;
  std::map<std::string, std::string> files = fresh.files;
  const std::vector<std::string> words = {"yes", "no"};
  EXPECT_FALSE(add_word_tokens(files, fresh.spec, words, "fresh")) << "they are there";
  EXPECT_EQ(files, fresh.files);
  const std::vector<std::string> many(1, std::string(3000, 'q'));
  EXPECT_THROW(add_word_tokens(files, fresh.spec, many, "fresh"), Error) << "no rows to spare";
}

TEST(Balance, KeepsTheRarerKindAndAsMuchOfTheOther) {
  Balance balance(2);
  for (int i = 0; i < 100; ++i) balance.count({0, i < 80});
  balance.count({1, true});
  EXPECT_DOUBLE_EQ(balance.keep({0, false}), 1);
  EXPECT_DOUBLE_EQ(balance.keep({0, true}), 0.25);
  EXPECT_DOUBLE_EQ(balance.keep({1, true}), 0);
  EXPECT_EQ(balance.one_sided(), (std::vector<std::size_t>{1}));
  EXPECT_TRUE(balance.draw({{1, true}}, 4, Rng(1)).empty());
}

TEST(WorldTaught, EveryQuestionOfItsListsIsKnown) {
  const std::vector<std::string_view> known = world::known_questions();
  const std::set<std::string_view> all(known.begin(), known.end());
  for (const char* name : {"world", "world-video"}) {
    const checklist::Checklist list = checklist::load_checklist(name, "");
    EXPECT_TRUE(all.contains(list.alignment_question));
    for (const checklist::Question& q : list.questions) EXPECT_TRUE(all.contains(q.text)) << q.text;
  }
}

// Of the embedded world's own words: "Is it red?", "Is the circle red?", "Is the circle left of the middle?", "… left of the star?".
bool shown(const world::Scene& scene, const std::string& question) {
  const auto& things = scene.objects;
  for (std::size_t a = 0; things.size() == 2 && a < 2; ++a)
    if (question == format("Is the {} {} the {}?", world::name_of(things[a].thing.shape),
                           world::name_of(world::relation_between(things[a], things[1 - a])), world::name_of(things[1 - a].thing.shape)) ||
        question == format("Is no relation wrong: {} {} {}?", world::phrase(things[a].thing),
                           world::name_of(world::relation_between(things[a], things[1 - a])), world::phrase(things[1 - a].thing)))
      return true;
  return std::any_of(scene.objects.begin(), scene.objects.end(), [&](const world::Object& o) {
    for (const char* place : {o.x < scene.width / 2.0 ? "left of" : "right of", o.y < scene.height / 2.0 ? "above" : "below"})
      if (question == format("Is the {} {} the middle?", world::name_of(o.thing.shape), place)) return true;
    const std::string_view colour = world::name_of(o.thing.colour);
    return question == format("Is it {}?", colour) || question == format("Is the {} {}?", world::name_of(o.thing.shape), colour);
  });
}

bool worded_as_its_kind(const world::Lesson& lesson) {
  const auto has = [&](std::string_view part) { return lesson.question.find(part) != std::string::npos; };
  const bool prompt = has("Is no relation wrong: a "), middle = has(" the middle?"), rows = has(" above ") || has(" below "),
             columns = has(" left of ") || has(" right of ");
  switch (lesson.kind) {
    case world::LessonKind::kRow:
      return middle && rows && !columns;
    case world::LessonKind::kColumn:
      return middle && columns && !rows;
    case world::LessonKind::kPlace:
      return !prompt && !middle && (rows || columns);
    case world::LessonKind::kRelation:
      return prompt && (rows || columns);
    default:
      return !rows && !columns;
  }
}

bool others_colour(const world::Scene& scene, const std::string& question) {
  for (const world::Object& a : scene.objects)
    for (const world::Object& b : scene.objects)
      if (question == format("Is the {} {}?", world::name_of(a.thing.shape), world::name_of(b.thing.colour))) return true;
  return false;
}

TEST(WorldTaught, LessonsAreTrueAndEvenAndOnlyTaught) {
  Rng rng(1);
  int yes = 0, all = 0, bound = 0;
  std::array<int, world::kLessonKinds> of_kind{};
  const std::vector<world::LessonKind> kinds = ChecklistConfig().lessons_of();
  for (std::uint64_t i = 0; i < 200; ++i) {
    const world::Item item = world::make_single({}, world::Split::kTrain, i, world::Odds::kEven);
    for (const world::Lesson& lesson : world::lessons(item.scenes[0], 6, kinds, rng)) {
      ++of_kind[static_cast<std::size_t>(lesson.kind)];
      EXPECT_TRUE(worded_as_its_kind(lesson)) << lesson.question;
      EXPECT_EQ(shown(item.scenes[0], lesson.question), lesson.yes) << lesson.question;
      yes += lesson.yes;
      ++all;
      if (lesson.kind != world::LessonKind::kBinding || lesson.yes) continue;
      EXPECT_TRUE(others_colour(item.scenes[0], lesson.question)) << lesson.question;
      ++bound;
    }
  }
  EXPECT_GT(all, 600);
  EXPECT_GT(bound, 30);
  EXPECT_NEAR(yes, all / 2.0, 3 * std::sqrt(all) / 2);
  for (const int n : of_kind) EXPECT_GT(n, 30);
  EXPECT_TRUE(world::lessons({}, 6, kinds, rng).empty());

  const Fresh fresh;
  WorldTaughtOptions options = pictures(ChecklistConfig());
  options.lessons = 3;
  options.lesson_kinds = kinds;
  const auto source = world_taught(options, world::Split::kTrain, fresh.spec);
  std::size_t taught = 0, whole = 0;
  for (std::int64_t i = 0; i < 20; ++i) {
    for (const Known& known : source->taught(0, i).known) taught += known.question == source->questions().size();
    for (const Known& known : source->whole(i).known) whole += known.question == source->questions().size();
  }
  EXPECT_GT(taught, 40u);
  EXPECT_EQ(whole, 0u);

  options.measure_lessons = true;
  const auto measured = world_taught(options, world::Split::kTest, fresh.spec);
  ASSERT_EQ(measured->questions().size(), kinds.size());
  std::array<int, world::kLessonKinds> asked{};
  for (std::int64_t i = 0; i < 60; ++i)
    for (const TaughtItem item = measured->whole(i); const Known& known : item.known) ++asked[known.question];
  for (const int n : asked) EXPECT_GT(n, 5);
}

TEST(WorldTaught, YesAndNoAreTaughtEquallyOften) {
  const Fresh fresh;
  const ChecklistConfig c = tiny_checklist("unused");
  const auto source = world_taught(pictures(c), world::Split::kTrain, fresh.spec);
  std::vector<double> yes(source->questions().size()), no(yes.size());
  for (std::int64_t i = 0; i < 1200; ++i)
    for (const Known& known : source->taught(i, 0).known) ++(known.yes ? yes : no)[known.question];
  for (std::size_t q = 0; q < yes.size(); ++q) {
    EXPECT_GT(yes[q] + no[q], 60) << source->questions()[q];
    EXPECT_NEAR(yes[q] / (yes[q] + no[q]), 0.5, 2.5 * std::sqrt(0.25 / (yes[q] + no[q])) + 0.03) << source->questions()[q];
  }
}

TEST(ChecklistTrainerInvariant, AccumulationEqualsOneLargeBatch) {
  const Fresh fresh;
  TempDir dir;
  ChecklistConfig c = tiny_checklist(dir.path());
  const auto source = world_taught(pictures(c), world::Split::kTrain, fresh.spec);
  std::vector<TaughtItem> items;
  for (std::int64_t i = 0; i < 4; ++i) items.push_back(source->taught(0, i));
  std::vector<std::map<std::string, at::Tensor>> gradients;
  std::vector<double> losses;
  for (const std::int64_t size : {4, 1}) {
    c.per_device_train_batch_size = size;
    c.gradient_accumulation_steps = 4 / size;
    ChecklistTrainer trainer(
        {.config = c, .spec = &fresh.spec, .model = vlm::init_model(fresh.spec.config, 5), .model_files = {}, .train = source.get()});
    losses.push_back(trainer.accumulate(items).loss);
    for (const auto& [name, value] : trainer.model().params.all())
      if (value.grad().defined()) gradients.resize(losses.size()), gradients.back()[name] = value.grad().clone();
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-5);
  ASSERT_EQ(gradients[0].size(), gradients[1].size());
  for (const auto& [name, value] : gradients[0])
    EXPECT_LT((value - gradients[1].at(name)).norm().item<double>(), 1e-4 * value.norm().item<double>() + 1e-6) << name;
}

TEST(ChecklistTrainerInvariant, ResumedEqualsStraight) {
  const Fresh fresh;
  TempDir straight, resumed;
  const auto run = [&](const std::string& dir, std::int64_t upto) {
    ChecklistConfig c = tiny_checklist(dir);
    c.save_steps = 1;
    const auto source = world_taught(pictures(c), world::Split::kTrain, fresh.spec);
    ChecklistTrainer trainer(
        {.config = c, .spec = &fresh.spec, .model = vlm::init_model(fresh.spec.config, 5), .model_files = {}, .train = source.get()});
    trainer.resume();
    if (upto == 0) return trainer.run().step;
    set_interrupted(true);
    const std::int64_t step = trainer.run().step;
    set_interrupted(false);
    return step;
  };
  EXPECT_EQ(run(straight.path(), 0), 4);
  EXPECT_EQ(run(resumed.path(), 1), 1);
  EXPECT_EQ(run(resumed.path(), 2), 2);
  EXPECT_EQ(run(resumed.path(), 0), 4);
  EXPECT_EQ(read_file(straight / "step-4/model.safetensors"), read_file(resumed / "step-4/model.safetensors"));
  EXPECT_EQ(read_file(straight / "step-4/state.json"), read_file(resumed / "step-4/state.json"));
}

// The first items of another source again and again, with the same answers left.
class Same : public TaughtSource {
 public:
  explicit Same(const TaughtSource& source) : source_(source) {}
  TaughtItem taught(std::int64_t, std::int64_t index) const override { return source_.taught(0, index); }
  TaughtItem whole(std::int64_t number) const override { return source_.taught(0, number); }
  const std::vector<std::string>& questions() const override { return source_.questions(); }

 private:
  const TaughtSource& source_;
};

// Answers to the same pictures can only be told apart by looking at them and at the questions.
TEST(ChecklistLearn, TheSamePicturesAreAnswered) {
  const Fresh fresh;
  TempDir dir;
  ChecklistConfig c = tiny_checklist(dir.path());
  c.max_steps = 150;
  c.per_device_train_batch_size = 6;
  c.learning_rate = 3e-3;
  const auto world = world_taught(pictures(c), world::Split::kTrain, fresh.spec);
  const Same train(*world);
  ChecklistTrainer trainer(
      {.config = c, .spec = &fresh.spec, .model = vlm::init_model(fresh.spec.config, 5), .model_files = {}, .train = &train});
  std::vector<TaughtItem> items;
  for (std::int64_t i = 0; i < c.batch_size(); ++i) items.push_back(train.taught(0, i));
  const auto right = [&] {
    const ChecklistTrainer::Loss loss = trainer.accumulate(items);
    EXPECT_GT(loss.questions, 20);
    return loss.right;
  };
  EXPECT_LT(right(), 0.75);
  trainer.resume();
  trainer.run();
  EXPECT_GT(right(), 0.9);
}

}  // namespace
}  // namespace beholder::train
