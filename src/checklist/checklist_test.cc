#include "checklist/checklist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "checklist/answers.h"
#include "checklist/score.h"
#include "checklist/testing.h"
#include "checklist/weights.h"
#include "core/error.h"
#include "core/file.h"
#include "core/format.h"

namespace beholder::checklist {
namespace {

struct Released {
  const char* name;
  const char* layout;
};

std::ostream& operator<<(std::ostream& out, const Released& r) {
  return out << r.name;
}

class ReleasedOracle : public ::testing::TestWithParam<Released> {};

// Scores are compared to rounding; a comparison's sign must be the reference's, ties included.
TEST_P(ReleasedOracle, ScoresAndComparisonsAreTheReferences) {
  const std::string base = kData + GetParam().name;
  const Weights weights = read_weights(base + "_weights.json");
  const Checklist list = load_weighted_checklist(base + ".txt", GetParam().layout, weights);
  const AnswerTable table = read_answer_table(base + "_answers.jsonl", list);
  const Json expected = read_json(base + "_expected.json");
  ASSERT_EQ(table.sheets.size(), expected["scores"].size());
  EXPECT_EQ(table.unanswered, 2);
  std::vector<std::vector<double>> values;
  for (std::size_t i = 0; i < table.sheets.size(); ++i) {
    values.push_back(values_of(list, table.sheets[i], Coding::kHard));
    const double wanted = expected["scores"][i].get<double>();
    if (weights.mean)
      EXPECT_EQ(score(weights, values[i]), wanted) << i;
    else
      EXPECT_NEAR(score(weights, values[i]), wanted, 1e-14) << i;
  }
  int ties = 0;
  for (const Json& pair : expected["compared"]) {
    const auto i = pair[0].get<std::size_t>(), j = pair[1].get<std::size_t>();
    const Json record = compare_record({list, weights}, table.sheets[i], table.sheets[j]);
    EXPECT_EQ(record["difference"].get<double>(), pair[2].get<double>()) << i << " " << j;
    EXPECT_EQ(record["choice"].get<int>(), pair[3].get<int>()) << i << " " << j;
    ties += record["tie"].get<bool>() ? 1 : 0;
    EXPECT_EQ(record["tie"].get<bool>(), pair[2].get<double>() == 0);
  }
  EXPECT_EQ(ties, weights.mean ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, ReleasedOracle,
                         ::testing::Values(Released{"full", "visionreward-full"}, Released{"select", "visionreward-select"},
                                           Released{"video", "visionreward-video"}, Released{"video", ""}));

TEST(Checklist, ShippedListsHaveEveryDimension) {
  const Checklist image = load_checklist("image", "");
  EXPECT_THAT(image.dimensions, ::testing::ElementsAre("Alignment", "Composition", "Quality", "Fidelity", "Safety and emotion"));
  EXPECT_TRUE(image.has_alignment());
  EXPECT_EQ(image.masks.size(), 5u);
  const Checklist video = load_checklist("video", "");
  EXPECT_THAT(video.dimensions, ::testing::ElementsAre("Alignment", "Composition", "Quality", "Fidelity", "Safety", "Stability", "Dynamics",
                                                       "Physics", "Preservation"));
  EXPECT_FALSE(video.has_alignment());
  for (const Checklist& list : {image, video}) {
    std::set<std::string> texts;
    for (const Question& q : list.questions) EXPECT_TRUE(texts.insert(q.text).second) << q.text;
    EXPECT_EQ(features_of(list).size(), list.questions.size() - list.masks.size() + (list.has_alignment() ? 1 : 0));
    for (const Mask& mask : list.masks) EXPECT_FALSE(mask.dependants.empty()) << mask.id;
  }
}

TEST(Checklist, AMaskedAnswerCountsAsZeroAndAPresenceQuestionHasNoWeight) {
  const Checklist list = parse_checklist(R"(
title = "t"
media = "image"
[[presence]]
id = "hands"
question = "hands?"
[[dimension]]
name = "A"
[[dimension.sub]]
name = "hands"
needs = "hands"
levels = [["best", "perfect?"], ["good", "good?"]]
[[dimension.sub]]
name = "sharp"
levels = [["sharp", "sharp?"]]
)",
                                         "t");
  AnswerSheet sheet{.id = "a", .prompt = {}, .media = {}, .p_yes = {0.2, 1, 0, 0.9}, .counts = {true, true, true, true}};
  EXPECT_THAT(values_of(list, sheet, Coding::kHard), ::testing::ElementsAre(0, 0, 1));
  sheet.p_yes[0] = 0.75;
  EXPECT_THAT(values_of(list, sheet, Coding::kHard), ::testing::ElementsAre(1, -1, 1));
  EXPECT_THAT(values_of(list, sheet, Coding::kSoft), ::testing::ElementsAre(1, -1, ::testing::DoubleNear(0.8, 1e-15)));
  sheet.counts[1] = false;
  EXPECT_THAT(values_of(list, sheet, Coding::kHard), ::testing::ElementsAre(0, -1, 1));
  const Weights weights{.coef = {1, 2, 4}, .intercept = 0.5};
  const Json record = score_record({list, weights}, sheet);
  EXPECT_EQ(record["score"], 2.5);
  EXPECT_EQ(record["dimensions"][0]["value"], 2);
  EXPECT_EQ(record["dimensions"][0]["low"], -7);
}

TEST(Checklist, APromptThatHoldsThePlaceholderIsNotReplacedAgain) {
  EXPECT_EQ(ask_about("Is \"[[prompt]]\" there, all of \"[[prompt]]\"?", "a [[prompt]] sign"),
            "Is \"a [[prompt]] sign\" there, all of \"a [[prompt]] sign\"?");
  EXPECT_EQ(ask_about("Is it sharp?", "x"), "Is it sharp?");
}

TEST(Checklist, FilesThatDoNotBelongTogetherAreNamed) {
  using ::testing::HasSubstr;
  const TempDir dir;
  const Weights full = read_weights(kData + "full_weights.json");
  EXPECT_THAT(message_of([&] { load_weighted_checklist(kData + "full.txt", "", full); }), HasSubstr("give --masks visionreward-full"));
  EXPECT_THAT(message_of([&] { load_weighted_checklist("image", "", Weights{.coef = std::vector<double>(11, 1)}); }),
              HasSubstr("--questions world takes as many"));
  EXPECT_THAT(message_of([&] { load_weighted_checklist(kData + "select.txt", "visionreward-select", full); }),
              HasSubstr("take 28 weights, the weight file has 55"));
  EXPECT_THAT(message_of([&] { load_checklist(kData + "full.txt", "visionreward-select"); }),
              HasSubstr("lays out 30 questions, the question file has 59"));
  const auto weights = [&](const std::string& text) {
    write_file_atomic(dir / "w.json", text);
    return message_of([&] { read_weights(dir / "w.json"); });
  };
  EXPECT_THAT(weights("{\"coef\": [1.0, NaN], \"intercept\": [0.0]}"), HasSubstr("weight 1: is NaN, not a finite number"));
  EXPECT_THAT(weights("{\"coef\": [1.0], \"intercept\": [-Infinity]}"), HasSubstr("intercept: is -Infinity"));
  EXPECT_THAT(weights("[0.5, null]"), HasSubstr("weight 1: is null"));
  EXPECT_THAT(weights("[1, 1e999]"), HasSubstr("not valid JSON"));
  EXPECT_THAT(weights("{\"weights\": [1]}"), HasSubstr("holds no weights"));
  EXPECT_EQ(weights("{\"coef\": [1], \"note\": \"NaN\"}"), "no error");
  write_file_atomic(dir / "q.txt", "one?\n\nthree?\n\n");
  EXPECT_THAT(message_of([&] { read_question_lines(dir / "q.txt"); }), HasSubstr("q.txt:2: is empty"));
  write_file_atomic(dir / "photo.jpg", std::string("\xff\xd8\xff\0\n\n", 6));
  EXPECT_THAT(message_of([&] { load_checklist(dir / "photo.jpg", ""); }), HasSubstr("photo.jpg: is no text"));
}

TEST(Checklist, ALayoutNamesEveryLineOnceAndOnlyLinesThatAreThere) {
  using ::testing::HasSubstr;
  const std::vector<std::string> lines{"hands?", "good hands?", "sharp?"};
  const auto layout = [&](const std::string& rest) {
    return message_of([&] { parse_checklist("title=\"t\"\nmedia=\"image\"\nlines=3\n" + rest, "layout", &lines); });
  };
  const std::string presence = "[[presence]]\nid=\"hands\"\nline=0\n", sub = "[[dimension]]\nname=\"A\"\n[[dimension.sub]]\nname=\"a\"\n";
  EXPECT_EQ(layout(presence + sub + "lines=[1,2]\nneeds=\"hands\"\n"), "no error");
  EXPECT_THAT(layout(presence + sub + "lines=[1]\n"), HasSubstr("line 2 of the questions is in no sub-dimension"));
  EXPECT_THAT(layout(presence + sub + "lines=[1,2,1]\n"), HasSubstr("line 1 is named twice"));
  EXPECT_THAT(layout(presence + sub + "lines=[1,3]\n"), HasSubstr("lines count from 0 to 2"));
  EXPECT_THAT(layout(presence + sub + "lines=[1,2]\nneeds=\"feet\"\n"), HasSubstr("needs \"feet\", which no [[presence]] asks for"));
  EXPECT_THAT(layout("[[presence]]\nid=\"x\"\nline=-1\n" + sub), HasSubstr("is no line of the question file"));
  EXPECT_THAT(layout(sub + "lines=[0,1,2]\nlevel=1\n"), HasSubstr("unknown key \"level\""));
}

TEST(Checklist, NothingStandsTwiceAndNoPresenceQuestionIsAskedForNothing) {
  using ::testing::HasSubstr;
  const auto list = [&](const std::string& rest) {
    return message_of([&] { parse_checklist("title=\"t\"\nmedia=\"image\"\n" + rest, "list"); });
  };
  const std::string presence = "[[presence]]\nid=\"hands\"\nquestion=\"hands?\"\n", head = "[[dimension]]\nname=\"A\"\n";
  const auto sub = [](const std::string& name, const std::string& levels) {
    return "[[dimension.sub]]\nname=\"" + name + "\"\nlevels=[" + levels + "]\n";
  };
  EXPECT_EQ(list(head + sub("a", "[\"x\",\"1?\"]") + sub("b", "[\"x\",\"2?\"]")), "no error");
  EXPECT_THAT(list(head + sub("a", "[\"x\",\"1?\"]") + sub("a", "[\"x\",\"2?\"]")), HasSubstr("A has two sub-dimensions \"a\""));
  EXPECT_THAT(list(head + sub("a", "[\"x\",\"1?\"],[\"x\",\"2?\"]")), HasSubstr("the level \"x\" stands twice in a"));
  EXPECT_THAT(list(head + sub("a", "[\"x\",\"1?\"],[\"y\",\"1?\"]")), HasSubstr("the question \"1?\" stands twice"));
  EXPECT_THAT(list(presence + head + sub("a", "[\"x\",\"1?\"]")), HasSubstr("\"hands\" is needed by no sub-dimension"));
  EXPECT_EQ(list(presence + head + sub("a", "[\"x\",\"1?\"]") + "needs=\"hands\"\n"), "no error");
}

}  // namespace
}  // namespace beholder::checklist
