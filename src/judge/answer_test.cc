#include "judge/answer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace beholder::judge {
namespace {

struct Case {
  const char* text;
  AnswerKind kind;
  int media;
  bool parsed;
  const char* problem;  // a part of it
};

constexpr AnswerKind kSelect = AnswerKind::kSelect, kScore = AnswerKind::kScore, kSoft = AnswerKind::kSoft;

TEST(Answer, ParsesExactlyTheStatedShape) {
  const Case cases[] = {
      {"<think>a</think>\n<answer>1</answer>", kSelect, 2, true, ""},
      {" \n<think>\na\nb\n</think> <answer> 2\n</answer>\n", kSelect, 2, true, ""},
      {"<think></think><answer>9</answer>", kSoft, 9, true, ""},
      {"<think>less < than > is fine</think><answer>1</answer>", kSelect, 2, true, ""},
      {"", kSelect, 2, false, "<think> is missing"},
      {"1", kSelect, 2, false, "<think> is missing"},
      {"<think>a<answer>1</answer>", kSelect, 2, false, "</think> is missing"},
      {"<think>a</think>1", kSelect, 2, false, "<answer> is missing"},
      {"<think>a</think><answer>1", kSelect, 2, false, "</answer> is missing"},
      {"a</think><answer>1</answer>", kSelect, 2, false, "<think> is missing"},
      {"<think><think>a</think><answer>1</answer>", kSelect, 2, false, "<think> appears 2 times"},
      {"<think>a</think></think><answer>1</answer>", kSelect, 2, false, "</think> appears 2 times"},
      {"<think>a <answer>2</answer></think><answer>1</answer>", kSelect, 2, false, "<answer> appears 2 times"},
      {"<think>a</think><answer>1</answer></answer>", kSelect, 2, false, "</answer> appears 2 times"},
      {"<answer>1</answer><think>a</think>", kSelect, 2, false, "out of order"},
      {"<think>a<answer></think>1</answer>", kSelect, 2, false, "out of order"},
      {"</think>a<think><answer>1</answer>", kSelect, 2, false, "out of order"},
      {"hm <think>a</think><answer>1</answer>", kSelect, 2, false, "before <think>"},
      {"<think>a</think>so<answer>1</answer>", kSelect, 2, false, "between"},
      {"<think>a</think><answer>1</answer>.", kSelect, 2, false, "after </answer>"},
      {"<think>a</think><answer>1</answer><|im_start|>", kSelect, 2, false, "after </answer>"},
      {"<THINK>a</THINK><answer>1</answer>", kSelect, 2, false, "<think> is missing"},
      {"<think>a</think><answer></answer>", kSelect, 2, false, "empty"},
      {"<think>a</think><answer> \n</answer>", kScore, 2, false, "empty"},
      {"<think>a</think><answer>0</answer>", kSelect, 2, false, "not an index from 1 to 2"},
      {"<think>a</think><answer>3</answer>", kSelect, 2, false, "not an index from 1 to 2"},
      {"<think>a</think><answer>12</answer>", kSelect, 9, false, "not an index"},
      {"<think>a</think><answer>01</answer>", kSelect, 2, false, "not an index"},
      {"<think>a</think><answer>Image 1</answer>", kSelect, 2, false, "not an index"},
      {"<think>a</think><answer>1.</answer>", kSelect, 2, false, "not an index"},
      {"<think>a</think><answer>1 2</answer>", kSelect, 2, false, "not an index"},
      {"<think>a</think><answer>\xEF\xBC\x91</answer>", kSelect, 2, false, "not an index"},
      {"<think>a</think><answer>8 3</answer>", kScore, 2, true, ""},
      {"<think>a</think><answer>8.5, 10</answer>", kScore, 2, true, ""},
      {"<think>a</think><answer>0\n0.25 ,10.0</answer>", kScore, 3, true, ""},
      {"<think>a</think><answer>7</answer>", kScore, 1, true, ""},
      {"<think>a</think><answer>8</answer>", kScore, 2, false, "1 numbers for 2"},
      {"<think>a</think><answer>8 3 1</answer>", kScore, 2, false, "3 numbers for 2"},
      {"<think>a</think><answer>8 11</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 10.01</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 -1</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 nan</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 1e0</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 .5</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 5.</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8 1.2.3</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8,,3</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8,3,</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>,8,3</answer>", kScore, 2, false, "0 to 10"},
      {"<think>a</think><answer>8/10 3/10</answer>", kScore, 2, false, "0 to 10"},
  };
  for (const Case& c : cases) {
    const Verdict verdict = parse_text(c.text, c.kind, c.media);
    EXPECT_EQ(verdict.parsed, c.parsed) << c.text << " -> " << verdict.problem;
    EXPECT_EQ(parses(c.text, c.kind, c.media), c.parsed) << c.text;
    EXPECT_NE(verdict.problem.find(c.problem), std::string::npos) << c.text << " -> " << verdict.problem;
    EXPECT_EQ(verdict.problem.empty(), c.parsed) << c.text;
  }
}

TEST(Answer, KeepsTheThoughtOfABrokenCompletion) {
  EXPECT_EQ(parse_text("<think> blurred </think> and then nothing", kSelect, 2).thought, "blurred");
  EXPECT_EQ(parse_text("<think>cut in the mid", kSelect, 2).thought, "cut in the mid");
}

TEST(Answer, ReadsChoiceAndScores) {
  EXPECT_EQ(parse_text("<think>x</think><answer>\n3 </answer>", kSelect, 4).choice, 3);
  const Verdict scores = parse_text("<think>x</think><answer>2,\n 9.5 4</answer>", kScore, 3);
  EXPECT_EQ(scores.scores, (std::vector<double>{2, 9.5, 4}));
  EXPECT_EQ(scores.choice, 2);
  EXPECT_EQ(parse_text("<think>x</think><answer>7 7</answer>", kScore, 2).choice, 0) << "a shared best score is no choice";
}

using Tokens = std::vector<std::string>;

TEST(Answer, DecisionIsTheTokenThatHoldsTheIndex) {
  EXPECT_EQ(parse_completion(Tokens{"<th", "ink>", "2 1", "</think>", "\n<", "answer", ">", "2", "</", "answer>"}, kSoft, 2).decision, 7);
  EXPECT_EQ(parse_completion(Tokens{"<think>", "</think>", "<answer", ">\n", "\n", " ", "1", "\n</answer>"}, kSoft, 2).decision, 6);
  EXPECT_EQ(parse_completion(Tokens{"<think>", "1", "</think><answer>", "", "1", "</answer>"}, kSoft, 2).decision, 4) << "an empty token";
  EXPECT_EQ(parse_completion(Tokens{"<think></think><answer>", "8", ".5", " ", "3", "</answer>"}, kScore, 2).decision, 1);
}

TEST(Answer, AnIndexGluedToOtherTextIsUnreadableForSoftOnly) {
  for (const Tokens& tokens : {Tokens{"<think></think><answer", ">1", "</answer>"}, Tokens{"<think></think><answer>", " 1", "</answer>"},
                               Tokens{"<think></think><answer>", "1<", "/answer>"}}) {
    const Verdict soft = parse_completion(tokens, kSoft, 2);
    EXPECT_FALSE(soft.parsed) << tokens[1];
    EXPECT_EQ(soft.problem, "the index is not a token of its own");
    const Verdict select = parse_completion(tokens, kSelect, 2);
    EXPECT_TRUE(select.parsed);
    EXPECT_EQ(select.choice, 1);
    EXPECT_EQ(select.decision, -1);
  }
}

TEST(Answer, ProbabilitiesAreSoftmaxOverTheIndicesOnly) {
  const std::vector<float> watched{std::log(0.3F), std::log(0.1F), std::log(0.4F)};
  const std::vector<double> two = index_probabilities(watched, 2), three = index_probabilities(watched, 3);
  EXPECT_NEAR(two[0], 0.75, 1e-6);
  EXPECT_NEAR(three[2], 0.5, 1e-6);
  const float never = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(index_probabilities(std::vector<float>{never, -1.0F}, 2)[1], 1.0);
  EXPECT_EQ(index_probabilities(std::vector<float>{never, never}, 2)[1], 0.5);
  EXPECT_NEAR(score_probabilities(std::vector<double>{8, 6}, 1)[0], 1 / (1 + std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(score_probabilities(std::vector<double>{8, 6}, 4)[0], 1 / (1 + std::exp(-0.5)), 1e-12);
}

TEST(Answer, WriterAndParserAgree) {
  const std::string text = completion_text("Image 1 is sharp.", "2");
  EXPECT_EQ(text, "<think>Image 1 is sharp.</think>\n<answer>2</answer>");
  EXPECT_EQ(parse_text(text, kSoft, 2).thought, "Image 1 is sharp.");
  for (const AnswerKind kind : {kSelect, kScore, kSoft}) EXPECT_EQ(parse_answer_kind(answer_kind_name(kind)), kind);
  EXPECT_THROW(parse_answer_kind("hard"), Error);
}

}  // namespace
}  // namespace beholder::judge
