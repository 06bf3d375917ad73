#include "checklist/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "checklist/pairs.h"
#include "checklist/score.h"
#include "checklist/testing.h"
#include "core/file.h"

namespace beholder::checklist {
namespace {

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
  EXPECT_EQ(set.bad_records + set.unlabelled, 1) << "one answer is neither video nor a tie";
  EXPECT_EQ(set.without_answers, 0);
  ASSERT_EQ(set.pairs.size(), 3U);
  EXPECT_EQ(set.pairs[0].label, 1);
  EXPECT_EQ(set.pairs[1].label, -1);
  EXPECT_EQ(set.pairs[2].label, 0);
  EXPECT_EQ(set.pairs[0].x, (std::vector<double>{2, 0, -1}));  // yes - no, no - no, masked - yes
}

// As the released image code prints them.
TEST(Answers, ControlTokensBehindAnAnswerAreCutOff) {
  const Checklist list = load_checklist(kData + "select.txt", "");
  Json line{{"id", "a"}, {"answers", Json::array()}};
  const std::vector<std::string> said{
      "yes<|end_of_text|>", " Yes<|eot|> <|end_of_text|>\n", "no<|end_of_text|>", "yes, it is", "<|end|>", "YES"};
  for (std::size_t q = 0; q < list.questions.size(); ++q) line["answers"].push_back(said[q % said.size()]);
  const AnswerSheet sheet = parse_answers(line, list, "t");
  EXPECT_EQ(std::vector<double>(sheet.p_yes.begin(), sheet.p_yes.begin() + 6), (std::vector<double>{1, 1, 0, 0, 0, 1}));
  EXPECT_EQ(sheet.unanswered, 10);
}

TEST(Answers, AlignmentIsBetweenZeroAndOneAndTheLineIsNamed) {
  using ::testing::HasSubstr;
  const TempDir dir;
  const Checklist list = load_checklist(kData + "select.txt", "visionreward-select");
  const auto told = [&](const std::string& alignment) {
    std::string answers = "1";
    for (int q = 1; q < 30; ++q) answers += ",0";
    write_file_atomic(dir / "a.jsonl", "\n{\"id\":\"a\"," + alignment + "\"answers\":[" + answers + "]}\n");
    AnswerReader reader(dir / "a.jsonl", list);
    return reader.next()->error;
  };
  EXPECT_EQ(told("\"alignment\":1,"), "");
  EXPECT_THAT(told("\"alignment\":23.5,"), HasSubstr("a.jsonl:2: alignment is 23.5, not a number from 0 to 1"));
  EXPECT_THAT(told("\"alignment\":-0.1,"), HasSubstr("alignment is -0.1"));
  EXPECT_THAT(told("\"alignment\":NaN,"), HasSubstr("a.jsonl:2: alignment is NaN"));
  EXPECT_THAT(told("\"alignment\":\"0.5\","), HasSubstr("alignment is \"0.5\""));
  EXPECT_THAT(told(""), HasSubstr("has no alignment score"));
}

TEST(Answers, ANumberOfAnswersPointsToTheListThatHasIt) {
  const Checklist image = load_checklist("image", "");
  const auto told = [&](std::size_t answers) {
    return message_of([&] { parse_answers({{"id", "a"}, {"answers", std::vector<int>(answers, 1)}}, image, "t"); });
  };
  EXPECT_THAT(told(12), ::testing::HasSubstr("--questions world has 12"));
  EXPECT_THAT(told(30), ::testing::HasSubstr("--masks visionreward-select has 30"));
}

// Videos that begin with the same frame are not the same video.
TEST(Answers, AVideoIsAllOfItsFrames) {
  const TempDir dir;
  write_file_atomic(dir / "q.txt", "a?\n");
  const Checklist list = load_checklist(dir / "q.txt", "");
  write_file_atomic(dir / "a.jsonl", R"({"id":"a","prompt":"p","media":{"frames":["0.png","1.png"],"fps":8},"answers":[1]})"
                                     "\n"
                                     R"({"id":"b","prompt":"p","media":{"frames":["0.png","2.png"],"fps":8},"answers":[0]})"
                                     "\n");
  const AnswerTable table = read_answer_table(dir / "a.jsonl", list);
  ASSERT_EQ(table.sheets.size(), 2U);
  EXPECT_EQ(table.sheets[0].media, "0.png");
  EXPECT_EQ(table.sheets[1].ref.frames, (std::vector<std::string>{"0.png", "2.png"}));
  write_file_atomic(dir / "pairs.jsonl",
                    R"({"id":"1","prompt":"p","media":[{"frames":["0.png","2.png"],"fps":8},{"frames":["0.png","1.png"],"fps":8}],)"
                    R"("target":{"pair":0,"votes":3}})"
                    "\n");
  const PairSet set = read_pairs(dir / "pairs.jsonl", list, table, Coding::kHard);
  ASSERT_EQ(set.pairs.size(), 1U);
  EXPECT_EQ(set.pairs[0].x, (std::vector<double>{-2}));
  EXPECT_EQ(set.pairs[0].votes, 3);
}

TEST(Answers, ADataSetWithoutAlignmentScoresSaysHowToGoOn) {
  const std::string folder = BEHOLDER_SOURCE_DIR "/tests/data/datasets/visionreward";
  const Checklist list = load_checklist(kData + "select.txt", "visionreward-select");
  EXPECT_THAT(message_of([&] { read_answer_table(folder + "/image.parquet", list); }),
              ::testing::AllOf(::testing::HasSubstr("has no alignment scores"), ::testing::HasSubstr("without --masks")));
}

}  // namespace
}  // namespace beholder::checklist
