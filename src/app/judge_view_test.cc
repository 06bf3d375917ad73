#include "app/judge_view.h"

#include <gtest/gtest.h>

#include "app/judge_batch.h"
#include "core/error.h"
#include "core/printable.h"
#include "judge/compare.h"
#include "judge/mock_sampler.h"
#include "judge/rank.h"
#include "judge/score.h"

namespace beholder::app {
namespace {

using judge::mock_medium;

// Prefers the higher quality; "\x1b" in a thought must not reach the terminal.
judge::MockAnswer mind(const std::vector<double>& q, int, std::uint64_t) {
  if (q.size() == 1) return {judge::completion_text("fair", format("{}", q[0])), {}};
  const double p = 1 / (1 + std::exp(q[1] - q[0]));
  return {judge::completion_text("Image 1 is \x1b[31mred.\nImage 2 is not.", p > 0.5 ? "1" : "2"), {p, 1 - p}};
}

class JudgeViewTest : public ::testing::Test {
 protected:
  judge::JudgeSpec spec_ = judge::mock_spec();
  judge::MockSampler sampler_{spec_, mind};
  judge::Judge judge_{spec_, sampler_};
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(JudgeViewTest, RankingShowsOrderBarsAndTheWinnersThought) {
  judge::RankTask task{
      "a cup",
      {mock_medium("low.png", 0), mock_medium("high.png", 2), mock_medium("/a/very/long/folder/name/that/goes/on/and/on/mid.png", 1)}};
  Json json = to_json(judge::rank(judge_, std::span(&task, 1), judge::RankOptions()).at(0));
  json["skipped"].push_back({{"media", "x.png"}, {"error", "x.png: cut off"}});
  const std::string text = show_ranking(json, {});
  EXPECT_LT(text.find("high.png"), text.find("mid.png"));
  EXPECT_LT(text.find("mid.png"), text.find("low.png"));
  EXPECT_TRUE(has(text, "  1  high.png") && has(text, "█") && has(text, "░")) << text;
  EXPECT_TRUE(has(text, "Why high.png? (1 = high.png, 2 = low.png)\n  Image 1 is ?[31mred.\n  Image 2 is not.\n")) << text;
  EXPECT_TRUE(has(text, "…ame/that/goes/on") || has(text, "…")) << text;
  EXPECT_TRUE(has(text, "3 comparisons") && has(text, "3 of 3 agree in both orders") && has(text, "skipped: x.png: cut off")) << text;
  EXPECT_FALSE(has(text, "\x1b")) << "no colour unless asked";
  const std::string plain = show_ranking(json, {.colour = false, .unicode = false});
  EXPECT_TRUE(std::all_of(plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) << plain;
  EXPECT_TRUE(has(show_ranking(json, {.colour = true, .unicode = true}), "\x1b[36m"));
}

TEST_F(JudgeViewTest, ComparisonAndScores) {
  const judge::CompareTask task{"a cup", mock_medium("a.png", 0), mock_medium("b.png", 1.5)};
  const std::string text = show_comparison(
      [&] {
        Json json = to_json(judge::compare(judge_, std::span(&task, 1), {}).at(0));
        json["skipped"] = Json::array();
        return json;
      }(),
      {});
  EXPECT_TRUE(has(text, "▶  b.png") && has(text, "81.8%") && has(text, "18.2%") && has(text, "both orders agree")) << text;
  const judge::ScoreTask scored{"a cup", {mock_medium("a.png", 3), mock_medium("b.png", 11), mock_medium("c.png", 7.5)}};
  const std::string scores = show_scores(to_json(judge::score(judge_, std::span(&scored, 1), {}).at(0)), {});
  EXPECT_LT(scores.find("c.png"), scores.find("a.png"));
  EXPECT_TRUE(has(scores, " 7.50 / 10") && has(scores, "b.png  no readable answer")) << scores;
}

TEST_F(JudgeViewTest, ControlCharactersAreMadeHarmless) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\td\x7f", false), "a?[2Jb?c?d?");
  EXPECT_EQ(printable("a\nb", true), "a\nb");
  EXPECT_EQ(printable("\xC2\x9B"
                      "2J \xC3\xA9",
                      false),
            "?2J \xC3\xA9");
}

struct SessionOf : JudgeSession {
  explicit SessionOf(judge::Judge& judge) : JudgeSession({}), given(judge) {}
  judge::Judge& judge() override { return given; }
  judge::Judge& given;
};

TEST_F(JudgeViewTest, BatchKeepsInputOrderWithFailedItemsBetween) {
  JudgeJob job;
  const judge::JudgeOptions options;
  job.refuse = [](const JudgeItem& item) {
    if (item.media.size() != 2) throw Error(Code::kInvalidInput, "compare", "two please");
  };
  const auto task = [](const JudgeItem& item) { return judge::CompareTask{item.prompt, item.media[0], item.media[1]}; };
  job.inquire = [&](const JudgeItem& item) {
    judge::Inquiry inquiry{judge::compare_questions(task(item), options)};
    inquiry.result = [&options, task = task(item)](std::span<const judge::Answered> answers) {
      return to_json(judge::read_comparison(task, answers, options));
    };
    return inquiry;
  };
  SessionOf session(judge_);
  JudgeBatch batch(session, options, job);
  batch.add({.id = "1", .prompt = "p", .media = {mock_medium("a", 0), mock_medium("b", 1)}});
  EXPECT_THROW(batch.add({.id = "2", .prompt = "p", .media = {mock_medium("a", 0)}}), Error);
  batch.add_failed({{"id", "2"}, {"error", "two please"}});
  batch.add({.id = "3", .prompt = "p", .media = {mock_medium("b", 1), mock_medium("a", 0)}});
  EXPECT_EQ(batch.questions(), 4);
  const std::vector<Json> results = batch.answer({});
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["id"], "1");
  EXPECT_EQ(results[0].begin().key(), "id");
  EXPECT_EQ(results[0]["choice"], 2);
  EXPECT_EQ(results[1]["error"], "two please");
  EXPECT_EQ(results[2]["choice"], 1);
  EXPECT_EQ(batch.size(), 0);
}

TEST(LoadItem, ACorruptMediumIsSkippedAndCounted) {
  TempDir dir;
  media::Image image{32, 32, std::vector<std::uint8_t>(32 * 32 * 3, 9)};
  write_file_atomic(dir / "good.png", media::encode_png(image));
  write_file_atomic(dir / "bad.png", "not a picture");
  judge::MediumStore store({.patch_size = 8, .min_pixels = 256});
  data::Record record;
  record.id = "7";
  record.prompt = "p";
  for (const char* name : {"bad.png", "good.png", "absent.png"}) record.media.emplace_back().path = dir / name;
  const JudgeItem item = load_item(store, record);
  ASSERT_EQ(item.media.size(), 1U);
  EXPECT_EQ(item.media[0].name, dir / "good.png");
  ASSERT_EQ(item.skipped.size(), 2U);
  EXPECT_EQ(item.skipped[0]["media"], dir / "bad.png");
  record.prompt = "";
  EXPECT_THROW(load_item(store, record), Error);
}

}  // namespace
}  // namespace beholder::app
