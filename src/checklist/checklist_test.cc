#include "checklist/checklist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <thread>

#include "checklist/answers.h"
#include "checklist/pairs.h"
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

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Checklist, FilesThatDoNotBelongTogetherAreNamed) {
  using ::testing::HasSubstr;
  const TempDir dir;
  const Weights full = read_weights(kData + "full_weights.json");
  EXPECT_THAT(message_of([&] { load_weighted_checklist(kData + "full.txt", "", full); }), HasSubstr("give --masks visionreward-full"));
  EXPECT_THAT(message_of([&] { load_weighted_checklist(kData + "select.txt", "visionreward-select", full); }),
              HasSubstr("take 28 weights, the weight file has 55"));
  EXPECT_THAT(message_of([&] { load_checklist(kData + "full.txt", "visionreward-select"); }),
              HasSubstr("lays out 30 questions, the question file has 59"));
  const auto weights = [&](const std::string& text) {
    write_file_atomic(dir / "w.json", text);
    return message_of([&] { read_weights(dir / "w.json"); });
  };
  EXPECT_THAT(weights("{\"coef\": [1.0, NaN], \"intercept\": [0.0]}"), HasSubstr("holds NaN"));
  EXPECT_THAT(weights("[0.5, null]"), HasSubstr("weight 1: is null"));
  EXPECT_THAT(weights("[1, 1e999]"), HasSubstr("not valid JSON"));
  EXPECT_THAT(weights("{\"weights\": [1]}"), HasSubstr("holds no weights"));
  EXPECT_EQ(weights("{\"coef\": [1], \"note\": \"NaN\"}"), "no error");
  write_file_atomic(dir / "q.txt", "one?\n\nthree?\n\n");
  EXPECT_THAT(message_of([&] { read_question_lines(dir / "q.txt"); }), HasSubstr("q.txt:2: is empty"));
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

TEST(Answers, BadLinesAreCountedAndTheRestGoesOn) {
  const TempDir dir;
  write_file_atomic(dir / "q.txt", "a?\nb?\n");
  const Checklist list = load_checklist(dir / "q.txt", "");
  write_file_atomic(
      dir / "a.jsonl",
      "{\"id\":1,\"answers\":[\"Yes\",0.25]}\n{\"id\":\"b\",\"answers\":[\"yes\"]}\n{\"id\":\"c\",\"answers\":[2,0]}\nnot json\n"
      "{\"internal_id\":\"d\",\"meta_result\":[1,0],\"meta_mask\":[1,0]}\n{\"id\":\"e\",\"answers\":[null,\"maybe\"],\"media\":\"e.png\"}"
      "\n");
  const AnswerTable table = read_answer_table(dir / "a.jsonl", list);
  EXPECT_EQ(table.bad, 3);
  EXPECT_EQ(table.unanswered, 2);
  ASSERT_EQ(table.sheets.size(), 3u);
  EXPECT_EQ(table.find("1")->p_yes, (std::vector<double>{1, 0.25}));
  EXPECT_THAT(values_of(list, *table.find("d"), Coding::kHard), ::testing::ElementsAre(1, 0));
  EXPECT_EQ(table.find("e.png", "any prompt"), table.find("e"));
  EXPECT_EQ(table.find("f"), nullptr);
  write_file_atomic(dir / "a.jsonl", "{\"id\":\"a\",\"answers\":[1,1]}\n{\"id\":\"a\",\"answers\":[0,1]}\n");
  EXPECT_THAT(message_of([&] { read_answer_table(dir / "a.jsonl", list); }), ::testing::HasSubstr("a stands twice"));
}

// Own lines may also carry the row they came from; and a file's name does not decide what it holds.
TEST(Answers, TheLineItselfGoesBeforeItsSourceAndNamesDoNotDecide) {
  TempDir dir;
  write_file_atomic(dir / "questions.txt", "one?\ntwo?\n");
  const Checklist list = load_checklist(dir / "questions.txt", "");
  const std::string source = R"("meta": {"meta_result": ["no", "no"]})";
  write_file_atomic(dir / "answers.json",
                    R"({"id": "a.png", "answers": ["yes", "no"], )" + source + "}\n" + R"({"id": "b.png", )" + source + "}\n");
  const AnswerTable table = read_answer_table(dir / "answers.json", list);
  ASSERT_EQ(table.sheets.size(), 2U);
  EXPECT_EQ(table.sheets[0].p_yes, (std::vector<double>{1, 0}));
  EXPECT_EQ(table.sheets[1].p_yes, (std::vector<double>{0, 0}));
  write_file_atomic(dir / "pairs.json", R"({"id": "1", "prompt": "p", "media": ["a.png", "b.png"], "target": {"pair": 1}})"
                                        "\n");
  const PairSet set = read_pairs(dir / "pairs.json", list, table, Coding::kHard);
  ASSERT_EQ(set.pairs.size(), 1U);
  EXPECT_EQ(set.pairs[0].x, (std::vector<double>{2, 0}));

  // A pipe: every byte of it counts.
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  const std::string text = read_file(dir / "answers.json");
  std::thread writer([&] { std::ofstream(dir / "pipe") << text; });
  const AnswerTable piped = read_answer_table(dir / "pipe", list);
  writer.join();
  EXPECT_EQ(piped.sheets.size(), 2U);
}

// A public data set as it lies: answers out of one table, people's choices out of another, in one folder.
TEST(Answers, OfVisionRewardDbAreReadWhereTheyLie) {
  const std::string folder = BEHOLDER_SOURCE_DIR "/tests/data/datasets/visionreward";
  TempDir dir;
  write_file_atomic(dir / "questions.txt", "one?\ntwo?\nthree?\n");
  const Checklist list = load_checklist(dir / "questions.txt", "");
  const AnswerTable table = read_answer_table(folder + "/video.parquet", list);
  ASSERT_EQ(table.sheets.size(), 2U);
  EXPECT_EQ(table.sheets[0].p_yes, (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(table.sheets[0].counts, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(table.sheets[1].p_yes, (std::vector<double>{0, 0, 1}));

  const PairSet set = read_pairs(folder + "/pairs.parquet", list, table, Coding::kHard);
  EXPECT_EQ(set.bad_records, 1) << "one answer is neither video nor a tie";
  EXPECT_EQ(set.without_answers, 0);
  ASSERT_EQ(set.pairs.size(), 3U);
  EXPECT_EQ(set.pairs[0].label, 1);
  EXPECT_EQ(set.pairs[1].label, -1);
  EXPECT_EQ(set.pairs[2].label, 0);
  EXPECT_EQ(set.pairs[0].x, (std::vector<double>{2, 0, -1}));  // yes - no, no - no, masked - yes
}

}  // namespace
}  // namespace beholder::checklist
