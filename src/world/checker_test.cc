#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/format.h"
#include "world/checker.h"
#include "world/measure.h"
#include "world/testing.h"
#include "world/thought.h"

namespace beholder::world {
namespace {

Mark mark_of(const MediumCheck& medium, Attribute attribute) {
  return medium.marks[static_cast<std::size_t>(attribute)];
}

Object object(Colour colour, Shape shape, double x, double y) {
  return {.thing = {colour, shape}, .x = x, .y = y};
}

// "a red circle left of a blue square", shown as a green circle above a blue square, noisy.
Item relation_item() {
  Item item;
  item.prompt = {PromptKind::kRelation, {Colour::kRed, Shape::kCircle}, {Colour::kBlue, Shape::kSquare}, Relation::kLeftOf, 1};
  Scene scene;
  scene.objects = {object(Colour::kGreen, Shape::kCircle, 30, 15), object(Colour::kBlue, Shape::kSquare, 32, 45)};
  scene.quality.noise = 30;
  item.scenes = {scene};
  item.defects = {defects_of(item.prompt, scene)};
  return item;
}

constexpr const char* kTrue =
    "Image 1 shows a green, not red, circle above, not left of, a blue square. It is sharp, noisy and whole. "
    "Faults: wrong colour, wrong relation, noise.";

TEST(CheckerInvariant, ReferenceThoughtsAreAllTrueAndWellFormed) {
  for (const Split split : kAllSplits)
    for (std::uint64_t i = 0; i < 800; ++i) {
      const Item item = item_at(split, i, i % 2 == 1, 2 + static_cast<std::int64_t>(i % 5));
      const ThoughtCheck check = check_thought(reference_thought(item), item);
      ASSERT_TRUE(check.well_formed) << reference_thought(item);
      ASSERT_EQ(check.true_statements(), check.statements()) << reference_thought(item);
      for (std::size_t k = 0; k < item.scenes.size(); ++k) {
        ASSERT_EQ(check.media[k].actual, item.defects[k]) << "the checker and the world disagree about the truth";
        ASSERT_EQ(check.media[k].claimed, item.defects[k]);
        for (const Mark mark : check.media[k].marks) ASSERT_TRUE(mark == Mark::kRight || mark == Mark::kNotApplicable);
      }
    }
}

// Every word of a thought that says something is changed in turn; each change must be noticed.
TEST(CheckerInvariant, EveryChangedWordIsNoticed) {
  const std::vector<std::pair<std::string, std::string>> changes = {{"red", "green"},
                                                                    {"green", "blue"},
                                                                    {"blue", "red"},
                                                                    {"yellow", "cyan"},
                                                                    {"purple", "red"},
                                                                    {"cyan", "yellow"},
                                                                    {"circle", "star"},
                                                                    {"square", "cross"},
                                                                    {"star", "circle"},
                                                                    {"left of", "above"},
                                                                    {"above", "below"},
                                                                    {"right of", "left of"},
                                                                    {"below", "above"},
                                                                    {"one", "two"},
                                                                    {"two", "three"},
                                                                    {"three", "two"},
                                                                    {"sharp", "blurred"},
                                                                    {"blurred", "sharp"},
                                                                    {"clean", "noisy"},
                                                                    {"noisy", "clean"},
                                                                    {"whole", "warped"},
                                                                    {"warped", "whole"},
                                                                    {"steady", "flickering"},
                                                                    {" no ", " a "},
                                                                    {"none", "blur"},
                                                                    {"none", "wrong colour"},
                                                                    {"noise", "warp"},
                                                                    {"Image 2", "Image 3"},
                                                                    {"Video 2", "Video 1"},
                                                                    {"It is", "It was"},
                                                                    {"not red", "not green"},
                                                                    {"not blue", "not cyan"},
                                                                    {"not three", "not four"},
                                                                    {"not two", "not five"},
                                                                    {"not above", "not right of"},
                                                                    {"not left of", "not below"}};
  std::vector<int> tried(changes.size());
  for (std::uint64_t i = 0; i < 400; ++i) {
    const Item item = item_at(Split::kOodCombination, i, i % 2 == 1);
    const std::string thought = reference_thought(item);
    for (std::size_t c = 0; c < changes.size(); ++c) {
      const std::size_t at = thought.find(changes[c].first);
      if (at == std::string::npos) continue;
      if (changes[c].second == "warp" && thought.find("noise, warp", at) == at) continue;  // names a fault that is there twice
      ++tried[c];
      std::string changed = thought;
      changed.replace(at, changes[c].first.size(), changes[c].second);
      const ThoughtCheck check = check_thought(changed, item);
      bool noticed = !check.well_formed || check.true_statements() < check.statements();
      for (std::size_t k = 0; k < item.scenes.size(); ++k) noticed = noticed || check.media[k].claimed != check.media[k].actual;
      EXPECT_TRUE(noticed) << changes[c].first << " -> " << changes[c].second << " in\n" << changed;
    }
  }
  for (std::size_t c = 0; c < changes.size(); ++c) EXPECT_GT(tried[c], 0) << changes[c].first;
}

TEST(Checker, MarksExactlyTheAttributeThatIsWrong) {
  const Item item = relation_item();
  const auto marks = [&](std::string_view from, std::string_view to) {
    std::string text = kTrue;
    const std::size_t at = text.find(from);
    text.replace(at, from.size(), to);
    return check_thought(text, item).media[0];
  };
  const MediumCheck right = check_thought(kTrue, item).media[0];
  EXPECT_EQ(right.true_statements, 11);  // two objects, a relation, two differences, three qualities, three faults
  EXPECT_EQ(right.false_statements, 0);
  for (const Attribute a : {Attribute::kFirstObject, Attribute::kSecondObject, Attribute::kRelation, Attribute::kSharpness,
                            Attribute::kNoise, Attribute::kWholeness})
    EXPECT_EQ(mark_of(right, a), Mark::kRight) << name_of(a);
  EXPECT_EQ(mark_of(right, Attribute::kCount), Mark::kNotApplicable);
  EXPECT_EQ(mark_of(right, Attribute::kSteadiness), Mark::kNotApplicable);

  EXPECT_EQ(mark_of(marks("green", "red"), Attribute::kFirstObject), Mark::kWrong);
  EXPECT_EQ(mark_of(marks("green", "red"), Attribute::kSecondObject), Mark::kRight);
  EXPECT_EQ(mark_of(marks("above", "below"), Attribute::kRelation), Mark::kWrong);
  EXPECT_EQ(mark_of(marks("above, not left of,", "and"), Attribute::kRelation), Mark::kAbsent);
  EXPECT_EQ(mark_of(marks("above, not left of, a blue square", "and no blue square"), Attribute::kSecondObject), Mark::kWrong);
  EXPECT_EQ(mark_of(marks("sharp", "blurred"), Attribute::kSharpness), Mark::kWrong);
  EXPECT_EQ(mark_of(marks("sharp, ", ""), Attribute::kSharpness), Mark::kAbsent);
  EXPECT_EQ(mark_of(marks("sharp", "blurred, sharp"), Attribute::kSharpness), Mark::kWrong) << "a contradiction is not right";
  const MediumCheck faults = marks("wrong colour, ", "blur, ");
  EXPECT_TRUE(faults.claimed.has(Defect::kBlur) && !faults.claimed.has(Defect::kWrongColour));
  EXPECT_EQ(faults.false_statements, 1);
}

TEST(Checker, TheOrderOfTwoThingsIsFree) {
  const ThoughtCheck check = check_thought(
      "Image 1 shows a blue square below, not right of, a green, not red, circle. It is noisy, whole and sharp. "
      "Faults: noise, wrong relation, wrong colour.",
      relation_item());
  EXPECT_TRUE(check.well_formed);
  EXPECT_EQ(check.true_statements(), 11);
  EXPECT_EQ(check.statements(), 11);
}

// A difference counts as true only where that was asked for and is not there; leaving it out is no error.
TEST(Checker, DifferencesAreStatementsOfTheirOwn) {
  const auto falsehoods = [](std::string_view thought, const Item& item) {
    const MediumCheck check = check_thought(thought, item).media[0];
    EXPECT_EQ(check.unparsed, 0) << thought;
    return check.false_statements;
  };
  const Item item = relation_item();
  EXPECT_EQ(falsehoods("Image 1 shows a green circle above a blue square.", item), 0);
  EXPECT_EQ(falsehoods("Image 1 shows a green, not blue, circle above a blue square.", item), 1) << "blue was not asked for";
  EXPECT_EQ(falsehoods("Image 1 shows a green circle above a blue, not blue, square.", item), 1);
  EXPECT_EQ(falsehoods("Image 1 shows a green circle above, not below, a blue square.", item), 1);
  EXPECT_EQ(falsehoods("Image 1 shows a green circle above a blue, not green, star.", item), 3)
      << "there is no star to be related or not green";
  EXPECT_EQ(check_thought("Image 1 shows a green, not rosy, circle.", item).stray, 1);

  Item count;
  count.prompt = {PromptKind::kCount, {Colour::kRed, Shape::kStar}, {}, Relation::kLeftOf, 2};
  Scene scene;
  scene.objects.assign(3, object(Colour::kBlue, Shape::kStar, 20, 20));
  count.scenes = {scene};
  EXPECT_EQ(falsehoods("Image 1 shows three, not two, blue, not red, stars.", count), 0);
  EXPECT_EQ(falsehoods("Image 1 shows three, not four, blue, not green, stars.", count), 2);
}

TEST(Checker, CountsAreTwoStatements) {
  Item item;
  item.prompt = {PromptKind::kCount, {Colour::kRed, Shape::kStar}, {}, Relation::kLeftOf, 2};
  Scene scene;
  scene.objects.assign(3, object(Colour::kRed, Shape::kStar, 20, 20));
  item.scenes = {scene};
  const MediumCheck two = check_thought("Image 1 shows two red stars.", item).media[0];
  EXPECT_EQ(mark_of(two, Attribute::kFirstObject), Mark::kRight);
  EXPECT_EQ(mark_of(two, Attribute::kCount), Mark::kWrong);
  EXPECT_EQ(two.true_statements, 1);
  EXPECT_EQ(two.false_statements, 1);
  const MediumCheck blue = check_thought("Image 1 shows 3 blue stars.", item).media[0];
  EXPECT_EQ(mark_of(blue, Attribute::kFirstObject), Mark::kWrong);
  EXPECT_EQ(mark_of(blue, Attribute::kCount), Mark::kRight);
}

TEST(Checker, WhatItCannotReadIsCounted) {
  const Item item = relation_item();
  const ThoughtCheck odd = check_thought(std::string("Hello there. ") + kTrue + " Image 1 is best. I like it.", item);
  EXPECT_EQ(odd.stray, 1);
  EXPECT_EQ(odd.media[0].unparsed, 2);
  EXPECT_FALSE(odd.well_formed);
  EXPECT_EQ(odd.statements(), 14);
  const ThoughtCheck unknown = check_thought("Image 1 shows a green circle. Faults: noise, ugliness.", item);
  EXPECT_EQ(unknown.media[0].unparsed, 1);
  EXPECT_TRUE(unknown.media[0].claimed.has(Defect::kNoise));
  EXPECT_FALSE(check_thought("", item).well_formed);
  EXPECT_EQ(check_thought("", item).statements(), 0);
  EXPECT_FALSE(check_thought(std::string(kTrue) + "\n" + kTrue, item).well_formed) << "said twice";
  EXPECT_EQ(check_thought("Image 7 shows a red circle. It is sharp.", item).stray, 2);
  EXPECT_EQ(check_thought("Image 99999999999 shows a red circle.", item).stray, 1);
}

TEST(Checker, AnyPrefixAndAnyBytesAreSafe) {
  const Item item = item_at(Split::kTest, 4);
  const std::string thought = reference_thought(item);
  Rng rng(5);
  const std::size_t last = thought.rfind("Faults:");
  for (std::size_t n = 0; n <= last; ++n) EXPECT_FALSE(check_thought(thought.substr(0, n), item).well_formed) << thought.substr(0, n);
  for (std::size_t n = last; n < thought.size(); ++n) check_thought(thought.substr(0, n), item);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = thought;
    for (int k = 0; k < 5; ++k) damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    const ThoughtCheck check = check_thought(damaged, item);
    EXPECT_LE(check.true_statements(), check.statements());
  }
}

TEST(Measure, AFaithfulNaiveJudgeScoresAsTheTheorySays) {
  Measure measure;
  double noise = 0;  // of the votes: p(1-p)/n is the variance of a share
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Item item = item_at(Split::kTest, i);
    measure.add(item, reference_thought(item), naive_choice(item, 1), item.share());
    noise += item.p_true() * (1 - item.p_true()) / item.votes.voters / 4000;
  }
  const Json report = measure.report(1, 200);
  for (const char* name : {"attribute_accuracy", "defect_recall", "defect_precision", "thought_truth", "well_formed"})
    EXPECT_EQ(report[name]["value"].get<double>(), 1.0) << name;
  EXPECT_EQ(report["brier"]["value"].get<double>(), 0.0);
  EXPECT_NEAR(report["brier_true"]["value"].get<double>(), noise, 0.1 * noise);
  EXPECT_EQ(report["items"], 4000);
  const double verdicts = report["verdict_accuracy"]["value"].get<double>(), naive = report["naive_accuracy"]["value"].get<double>();
  EXPECT_NEAR(verdicts, naive, 0.02);
  EXPECT_GE(report["bayes_accuracy"]["value"].get<double>() - naive, 0.09);
  const double low = report["verdict_accuracy"]["interval"][0].get<double>(),
               high = report["verdict_accuracy"]["interval"][1].get<double>();
  EXPECT_LT(low, verdicts);
  EXPECT_GT(high, verdicts);
  EXPECT_NEAR(high - low, 2 * 1.96 * std::sqrt(verdicts * (1 - verdicts) / 4000), 0.006);  // the binomial's own interval
  EXPECT_EQ(report["by_defect"]["flicker"]["recall"]["n"], 0);
  EXPECT_TRUE(report["by_defect"]["flicker"]["recall"]["value"].is_null());
  EXPECT_EQ(measure.report(1, 200), report) << "the same seed gives the same intervals";
}

TEST(Measure, ABlindJudgeScoresLow) {
  Measure measure;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Item item = item_at(Split::kTest, i);
    measure.add(item, reference_thought(item_at(Split::kTest, i + 5000)), std::nullopt, std::nullopt);
  }
  const Json report = measure.report(1, 50);
  EXPECT_LT(report["attribute_accuracy"]["value"].get<double>(), 0.6);
  EXPECT_LT(report["thought_truth"]["value"].get<double>(), 0.7);
  EXPECT_LT(report["defect_recall"]["value"].get<double>(), 0.6);
  EXPECT_EQ(report["verdict_accuracy"]["value"].get<double>(), 0.0);
  EXPECT_EQ(report["unparsed_verdicts"], 1000);
  EXPECT_GT(report["brier"]["value"].get<double>(), 0.05);
}

TEST(Measure, SeveralMediaAndSingleOnesAreMeasuredToo) {
  Measure many, single;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Item four = item_at(Split::kTest, i, false, 4);
    const auto best = static_cast<int>(std::min_element(four.penalties.begin(), four.penalties.end()) - four.penalties.begin());
    many.add(four, reference_thought(four), best, std::nullopt);
    const Item one = make_single({}, Split::kTest, i);
    single.add(one, reference_thought(one), std::nullopt, std::nullopt);
  }
  const Json report = many.report(1, 50);
  EXPECT_NEAR(report["verdict_accuracy"]["value"].get<double>(), report["bayes_accuracy"]["value"].get<double>(), 0.05);
  EXPECT_GT(report["bayes_accuracy"]["value"].get<double>(), report["naive_accuracy"]["value"].get<double>() + 0.05);
  EXPECT_EQ(report["brier"]["n"], 0);
  EXPECT_EQ(single.report(1, 50)["verdict_accuracy"]["n"], 0);
  EXPECT_EQ(single.report(1, 50)["thought_truth"]["value"].get<double>(), 1.0);
}

}  // namespace
}  // namespace beholder::world
