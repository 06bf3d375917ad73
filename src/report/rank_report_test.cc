#include "report/rank_report.h"

#include <cerrno>

#include "core/error.h"
#include "report/picture.h"
#include "report/record.h"
#include "report/testing.h"

namespace beholder::report {
namespace {

using testing::Checker;
using testing::comparison;
using testing::count;
using testing::ranking;
using testing::write_picture;

const std::string kMediaDir = BEHOLDER_SOURCE_DIR "/tests/data/media/";

std::string page_of(const std::vector<Json>& records, const ReportOptions& options = {}) {
  TempDir dir;
  write_rank_report(dir / "r.html", records, options);
  const std::string page = read_file(dir / "r.html");
  EXPECT_EQ(Checker(page).problem(), "");
  return page;
}

std::vector<std::string> pictures(const TempDir& dir, int n, int side) {
  std::vector<std::string> out;
  for (int i = 0; i < n; ++i) out.push_back(write_picture(dir / format("{}.png", i), side, side, static_cast<unsigned>(i)));
  return out;
}

Code code_of(const Json& record) {
  try {
    page_of({record});
  } catch (const Error& e) {
    return e.code();
  }
  return Code::kInternal;
}

TEST(RankReport, HoldsEverythingOfARanking) {
  const TempDir dir;
  Json record = ranking("a red circle", pictures(dir, 3, 20));
  record["skipped"] = {{{"media", "torn.webp"}, {"error", "torn.webp: the file ends early (restore it)"}}};
  record["unparsed"] = 1;
  record["verdicts"][0]["votes"][1] = testing::unread_vote("21");
  const std::string page = page_of({record}, {.settings = {{"Model", "tiny <judge>"}}});
  EXPECT_EQ(count(page, "<li class=\"rank"), 3u);
  EXPECT_EQ(count(page, "<details class=\"pair"), 3u);
  EXPECT_EQ(count(page, "class=\"cell "), 6u);
  EXPECT_EQ(count(page, "<img src=\"data:image/png;base64,"), 3u);
  EXPECT_EQ(count(page, "class=\"bar\""), 3u);
  EXPECT_NE(page.find("log-odds +1.00 [+0.00, +2.00]"), std::string::npos);
  EXPECT_NE(page.find("<b><bdi>torn.webp</bdi></b> <span dir=\"auto\">the file ends early (restore it)</span>"), std::string::npos);
  EXPECT_NE(page.find("1 answer could not be read"), std::string::npos);
  EXPECT_NE(page.find("&lt;b&gt;and and&lt;/b&gt;"), std::string::npos);
  EXPECT_NE(page.find("<mark class=\"fault\">wrong colour</mark>"), std::string::npos);
  EXPECT_NE(page.find("<mark>sharp</mark>"), std::string::npos);
  EXPECT_NE(page.find("tiny &lt;judge&gt;"), std::string::npos);
}

TEST(RankReport, TurnsPairsSoThatTheBetterOneIsOnTheLeft) {
  Judged judged = read_judged(ranking("p", {"a", "b"}), "test");  // its verdict is on (b, a): 0.3 and 0.4 for b
  ASSERT_EQ(judged.pairs.size(), 1u);
  const PairVerdict& pair = judged.pairs[0];
  EXPECT_EQ(judged.media[static_cast<std::size_t>(pair.left)].path, "a");
  EXPECT_NEAR(pair.p, 0.65, 1e-12);
  EXPECT_NEAR(*pair.p_right_first, 0.7, 1e-12);  // order 12: b shown first
  EXPECT_NEAR(*pair.p_left_first, 0.6, 1e-12);
  EXPECT_EQ(pair.votes[0].choice, -1);
  EXPECT_EQ(pair.votes[0].reason.shown, (std::vector<int>{1, 0}));
  EXPECT_EQ(pair.votes[1].reason.shown, (std::vector<int>{0, 1}));
  EXPECT_EQ(first_shown_preferred(judged), (std::pair<int, int>{1, 2}));  // a is chosen both times
}

TEST(RankReport, SeveralScoreVotesCountAsChoices) {
  Json record = comparison("a", "b", 0.9, 0.9);
  for (int k = 0; k < 2; ++k) record["votes"].push_back(testing::vote("12", 0.2, "t"));
  for (Json& vote : record["votes"]) vote["scores"] = {1, 2};
  const Judged judged = read_judged(record, "test");
  EXPECT_NEAR(*judged.pairs[0].p_left_first, 1.0 / 3, 1e-12);  // one of three
  EXPECT_NEAR(*judged.pairs[0].p_right_first, 0.9, 1e-12);     // a single vote: its probability
}

TEST(RankReport, EscapesWhateverPeopleAndModelsWrite) {
  const std::string evil = "</h2><script>alert(1)</script>\" onload=\"x' \x1B[31m \xFF &lt;";
  const TempDir dir;
  std::vector<std::string> media = pictures(dir, 2, 8);
  media.push_back(dir / "<img src=x onerror=\"alert(1)\">.png");
  Json record = ranking(evil, media);
  record["id"] = evil;
  for (Json& verdict : record["verdicts"])
    for (Json& vote : verdict["votes"]) vote["thought"] = "Image 1 " + evil + "\nImage 2 " + evil + " Faults: " + evil;
  record["skipped"] = {{{"media", evil}, {"error", evil}}};
  Json pair = comparison(media[0], media[2], 0.6, 0.4);
  pair["prompt"] = evil;
  pair["votes"][0] = testing::unread_vote("12");
  pair["votes"][0]["completion"] = pair["votes"][0]["problem"] = evil;
  const Json failed = {{"id", evil}, {"prompt", evil}, {"error", {{"code", evil}, {"message", evil}}}};
  const std::string page = page_of({record, pair, failed}, {.title = evil, .settings = {{evil, evil}}});
  EXPECT_EQ(count(page, "<script>"), 1u);  // the page's own
  EXPECT_EQ(count(page, "onerror=\""), 0u);
  EXPECT_GE(count(page, "&lt;script&gt;"), 10u);
}

TEST(RankReport, TakesAnyNumberOfMedia) {
  const TempDir dir;
  const std::vector<std::string> media = pictures(dir, 64, 12);
  for (const int n : {1, 2, 3, 7, 13, 25, 64}) {
    const std::string page = page_of({ranking("p", {media.begin(), media.begin() + n})});
    EXPECT_EQ(count(page, "<li class=\"rank"), static_cast<std::size_t>(n));
    EXPECT_EQ(count(page, "<details class=\"pair"), static_cast<std::size_t>(n * (n - 1) / 2));
    EXPECT_EQ(count(page, "class=\"cell "), n < 3 ? 0u : static_cast<std::size_t>(n * (n - 1)));
  }
}

TEST(RankReport, EmptyAndBareRecords) {
  EXPECT_NE(page_of({}).find("There are no records to show"), std::string::npos);
  const Json none = {{"prompt", ""}, {"ranking", Json::array()}, {"strategy", "pairs"}, {"verdicts", Json::array()}};
  EXPECT_NE(page_of({none}).find("no prompt recorded"), std::string::npos);
  const Json failed = {{"id", "7"}, {"error", {{"code", "not_found"}, {"message", "it is gone"}}}};
  EXPECT_NE(page_of({failed}).find("it is gone"), std::string::npos);
}

TEST(RankReport, MissingAndBrokenMediaAreEmptyPlaces) {
  const TempDir dir;
  write_file_atomic(dir / "torn.png", "\x89PNG\r\n\x1A\n not really");
  const std::string page = page_of({ranking("p", {dir / "gone.png", dir / "torn.png", pictures(dir, 1, 8)[0]})});
  EXPECT_EQ(count(page, "This file could not be shown"), 2u);
  EXPECT_EQ(count(page, "<img "), 1u);
}

TEST(RankReport, ComparisonListwiseAndScores) {
  const TempDir dir;
  const std::vector<std::string> m = pictures(dir, 3, 8);
  EXPECT_NE(page_of({comparison(m[0], m[1], 0.8, 0.7)}).find("<p class=\"chance\">75%</p>"), std::string::npos);
  EXPECT_NE(page_of({comparison(m[0], m[0], 0.8, 0.3)}).find("the two orders disagree"), std::string::npos);

  Json list = ranking("p", m);
  list["strategy"] = "listwise";
  const Json vote = {
      {"order", "312"}, {"choice", 1}, {"probabilities", {0.5, 0.3, 0.2}}, {"thought", "Image 1 is first."}, {"parsed", true}};
  Json unread = testing::unread_vote("123");
  list["verdicts"] = Json::array({{{"media", m}, {"votes", {vote, unread}}}});
  const Judged judged = read_judged(list, "test");
  EXPECT_EQ(judged.list_votes[0].reason.shown, (std::vector<int>{2, 0, 1}));
  EXPECT_EQ(judged.list_votes[0].choice, 0);
  EXPECT_EQ(count(page_of({list}), "class=\"cell win\""), 3u);

  const Json scores = {{"prompt", "p"},
                       {"scores",
                        {{{"media", m[0]}, {"score", 4.5}, {"votes", {4, 5}}, {"unparsed", 0}, {"thought", "fine"}},
                         {{"media", m[1]}, {"score", nullptr}, {"votes", Json::array()}, {"unparsed", 1}, {"problem", "no number"}},
                         {{"media", m[2]}, {"score", 9}, {"votes", {9}}, {"unparsed", 0}, {"thought", "good"}}}}};
  const std::string page = page_of({scores});
  EXPECT_LT(page.find("<b>9.00</b>"), page.find("<b>4.50</b>"));
  EXPECT_NE(page.find("Not readable: <span dir=\"auto\">no number"), std::string::npos);
}

TEST(RankReport, LabelsAreFileNamesUnlessTheseAreEqual) {
  const auto labels = [](const std::vector<std::string>& media) {
    std::vector<std::string> out;
    for (const JudgedMedium& medium : read_judged(ranking("p", media), "test").media) out.push_back(medium.label);
    return out;
  };
  EXPECT_EQ(labels({"/x/a.png", "/y/b.png"}), (std::vector<std::string>{"a.png", "b.png"}));
  EXPECT_EQ(labels({"/x/one/a.png", "/x/other/a.png"}), (std::vector<std::string>{"one/a.png", "other/a.png"}));
  EXPECT_EQ(labels({"a.png", "a.png"}), (std::vector<std::string>{"a.png", "a.png"}));
}

TEST(RankReport, VideosBecomeThreeFrames) {
  const Picture film = load_picture(kMediaDir + "gif_animated.gif", 512);
  EXPECT_TRUE(film.video);
  EXPECT_EQ(film.error, "");
  EXPECT_EQ(film.frames.size(), 3u);
  const Picture still = load_picture(kMediaDir + "jpeg_420.jpg", 16);
  EXPECT_EQ(still.frames.size(), 1u);
  EXPECT_EQ(std::max(still.frames[0].width, still.frames[0].height), 16);
}

TEST(RankReport, SizeIsBounded) {
  const TempDir dir;
  std::vector<std::string> media(64, write_picture(dir / "large.png", 700, 700, 1));
  const std::string one = page_of({ranking("p", {media[0]})});
  EXPECT_LT(one.size(), 512u * 512 * 3 * 4 / 3 + 120'000);  // noise at its full size, the thumb and the page around them
  EXPECT_GT(one.size(), 512u * 512 * 3);
  Json many = ranking("p", media);
  many["verdicts"] = Json::array();
  EXPECT_LT(page_of({many}).size(), 24u * 512 * 512 * 3 * 4 / 3 + 64 * 30'000);
  EXPECT_EQ(fitting_side(512, 24), 512);
  EXPECT_EQ(fitting_side(512, 96), 256);
  EXPECT_EQ(fitting_side(512, 1'000'000), 64);
}

TEST(RankReport, ShowsTheFirstOfManyRecords) {
  const std::string page = page_of(std::vector<Json>(7, ranking("p", {"a", "b"})), {.max_records = 3});
  EXPECT_EQ(count(page, "<section class=\"record\""), 3u);
  EXPECT_NE(page.find("shows 3 of 7 records; the totals at its foot are of all"), std::string::npos);
  const std::string part = page_of(std::vector<Json>(2, ranking("p", {"a", "b"})), {.run_records = 5000});
  EXPECT_NE(part.find("shows 2 of 5000 records; the totals at its foot are of the first 2"), std::string::npos);
  EXPECT_NE(page.find("<th scope=\"row\">Records</th><td dir=\"auto\">7</td>"), std::string::npos);
}

TEST(RankReport, RefusesRecordsOfAnotherShape) {
  EXPECT_EQ(code_of(Json(3)), Code::kCorrupt);
  EXPECT_EQ(code_of(Json::object()), Code::kCorrupt);
  EXPECT_EQ(code_of({{"ranking", 4}}), Code::kCorrupt);
  Json record = ranking("p", {"a", "b"});
  const auto broken = [&](const char* pointer, const Json& value) {
    Json copy = record;
    copy[Json::json_pointer(pointer)] = value;
    return code_of(copy);
  };
  EXPECT_EQ(broken("/ranking/0/interval", {1}), Code::kCorrupt);
  EXPECT_EQ(broken("/ranking/0/media", 5), Code::kCorrupt);
  EXPECT_EQ(broken("/ranking/0/reason/shown/0", "stranger.png"), Code::kCorrupt);
  EXPECT_EQ(broken("/verdicts/0/media", {"a"}), Code::kCorrupt);
  EXPECT_EQ(broken("/verdicts/0/probability", 1.5), Code::kCorrupt);
  EXPECT_EQ(broken("/verdicts/0/votes/0/choice", 3), Code::kCorrupt);
  EXPECT_EQ(broken("/skipped", {7}), Code::kInternal);  // not an object: shown as unnamed, no error
  record["strategy"] = "listwise";
  record["verdicts"] = Json::array({{{"media", {"a", "b"}}, {"votes", {{{"order", "19"}, {"parsed", false}}}}}});
  EXPECT_EQ(code_of(record), Code::kCorrupt);
}

TEST(RankReport, SaysWhyItCannotWriteAndLeavesTheOldPage) {
  const TempDir dir;
  write_file_atomic(dir / "r.html", "old");
  inject_write_failure(1, ENOSPC);
  try {
    write_rank_report(dir / "r.html", {ranking("p", {"a", "b"})});
    FAIL() << "the disk was full";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kResource);
  }
  inject_write_failure(0, 0);
  EXPECT_EQ(read_file(dir / "r.html"), "old");
  EXPECT_THROW(write_rank_report((dir / "r.html") + "/below.html", {}), Error);
}

}  // namespace
}  // namespace beholder::report
