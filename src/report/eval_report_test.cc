#include "report/eval_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "media/image.h"
#include "report/testing.h"

namespace beholder::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json metric(double value) {
  return {{"value", value}, {"interval", {value - 0.05, value + 0.05}}, {"n", 90}};
}

Json result() {
  Json out{{"protocol", "imagereward"},
           {"n", 90},
           {"label_ties", 1},
           {"predicted_ties", 2},
           {"unparsed", 3},
           {"missing", 4},
           {"unit", "pairs"},
           {"higher_is_better", true},
           {"rule", "pooled <b>"},
           {"dataset", "<i>data"},
           {"judge", "judge & co"},
           {"prompts", 30},
           {"bad_records", 5},
           {"metrics", {{"accuracy", metric(0.7)}}},
           {"by_gap", {{{"gap", "rank +1"}}}},
           {"settings", {{"votes", 2}}},
           {"errors",
            {{{"id", "x"},
              {"prompt", "<script>"},
              {"media", {"nowhere.png", "b.png"}},
              {"q", 1},
              {"margin", -0.9},
              {"p", 0.05},
              {"votes", 9},
              {"reason", {{"thought", "1 is <worse>"}, {"shown", {"b.png", "nowhere.png"}}}}}}}};
  out.update(metric(0.7));
  out["by_gap"][0].update(metric(0.6));
  out["n"] = 90;
  return out;
}

std::string eval_page(const Json& json, const Json& beside = Json::array(), const GalleryPictures& pictures = {}) {
  const TempDir dir;
  write_eval_report(dir / "r.html", json, beside, pictures);
  std::string page = read_file(dir / "r.html");
  EXPECT_EQ(testing::Checker(page).problem(), "");
  return page;
}

TEST(EvalReport, SaysWhatIsThereAndEscapesIt) {
  const std::string page = eval_page(result(), {{{"name", "HPSv2"}, {"value", 0.657}, {"source", "s"}, {"kind", "published"}}});
  for (const char* text : {"0.7000", "3 unparsed", "4 missing", "5 lines of the data", "HPSv2", "&lt;script&gt;", "its 1 is medium 2",
                           "1 is &lt;worse&gt;", "rank +1"})
    EXPECT_THAT(page, HasSubstr(text)) << text;
  EXPECT_THAT(page, Not(HasSubstr("Reliability")));
}

TEST(EvalReport, EveryPartThatTheResultHas) {
  Json json = result();
  json["calibration"] = {
      {"ece", 0.04}, {"n", 80}, {"bins", {{{"low", 0.5}, {"high", 0.6}, {"confidence", 0.55}, {"accuracy", 0.5}, {"n", 40}}}}};
  json["position"] = {{"consistency", metric(0.8)},
                      {"first_lean", metric(0.6)},
                      {"consistency_by_gap", json["by_gap"]},
                      {"first_lean_by_gap", json["by_gap"]}};
  json["win_matrix"] = {{"ranks", 2}, {"cells", {{{"row", 1}, {"column", 2}, {"value", 0.9}, {"n", 9}}}}};
  json["value"] = nullptr;
  json["interval"] = nullptr;
  const std::string page = eval_page(json);
  for (const char* text : {"Reliability", "order of the media", "Wins by people", "ECE 0.0400"}) EXPECT_THAT(page, HasSubstr(text)) << text;
}

TEST(EvalReport, PlotsByVotesAndByListener) {
  Json json = result();
  json["by_votes"] = {{{"votes", "2-3"}}, {{"votes", "64-127"}}};
  json["by_listener"] = {{{"listener", "agrees"}}, {{"listener", "disagrees"}}};
  for (Json* list : {&json["by_votes"], &json["by_listener"]})
    for (Json& entry : *list) entry.update(metric(0.65));
  const std::string page = eval_page(json);
  for (const char* text :
       {"Accuracy by number of votes", "2-3 (n 90)", "64-127 (n 90)", "Accuracy where the listener agrees or not", "disagrees (n 90)"})
    EXPECT_THAT(page, HasSubstr(text)) << text;
  EXPECT_THAT(eval_page(result()), Not(HasSubstr("Accuracy by number of votes")));
}

TEST(EvalReport, WinsByModelBesideThoseOfPeople) {
  Json json = result();
  json["model_wins"] = {{"models", {"<new>", "old"}},
                        {"cells",
                         {{{"row", 1}, {"column", 2}, {"judge", 0.9}, {"people", 0.6}, {"n", 12}},
                          {{"row", 2}, {"column", 1}, {"judge", 0.1}, {"people", 0.4}, {"n", 12}}}},
                        {"left_out", 3}};
  const std::string page = eval_page(json);
  for (const char* text :
       {"Wins by model", "&lt;new&gt; against old: 90% of 12", "&lt;new&gt; against old: 60% of 12", "3 models with fewer"})
    EXPECT_THAT(page, HasSubstr(text)) << text;
}

TEST(EvalReport, WhatTheReadersLeftOutIsInTheBox) {
  Json json = result();
  json["data"] = {{"notes", {{"no label <x>", 7}}},
                  {"left_out", {{"b.parquet", "broken after row 4"}}},
                  {"refused", {"x.zip: ../a.png: leaves its folder"}},
                  {"unknown_columns", {"extra", "more"}}};
  const std::string page = eval_page(json);
  const std::string box = page.substr(page.find("Not measured"), 900);
  for (const char* text : {"5 lines of the data", "no label &lt;x&gt; (7)", "broken after row 4", "x.zip: ../a.png", "extra, more"})
    EXPECT_THAT(box, HasSubstr(text)) << text;
}

TEST(EvalReport, PicturesOfTheGalleryFromFilesAndFromRows) {
  Json json = result();
  EXPECT_THAT(eval_page(json), Not(HasSubstr("data:image/png")));
  json["errors"][0]["pair"] = {1, 3};
  const media::Image grey{.width = 300, .height = 200, .rgb = std::vector<std::uint8_t>(300 * 200 * 3, 90)};
  const std::string png = media::encode_png(grey);
  GalleryPictures pictures;
  pictures[gallery_key("x", 3)] = load_picture(std::as_bytes(std::span(png)), "jpg_1", 180);
  std::string page = eval_page(json, Json::array(), pictures);
  EXPECT_THAT(page, HasSubstr("<img src=\"data:image/png;base64,"));
  EXPECT_THAT(page, HasSubstr("width=\"180\" height=\"120\" alt=\"b.png\""));
  EXPECT_THAT(page, HasSubstr("nowhere.png: ")) << "the other one is not there";
  const TempDir dir;
  write_file_atomic(dir / "a.png", png);
  json["errors"][0]["media"][0] = dir / "a.png";
  json["errors"][0]["reason"]["shown"][1] = dir / "a.png";
  page = eval_page(json, Json::array(), pictures);
  EXPECT_THAT(page, Not(HasSubstr("nowhere.png: ")));
  EXPECT_EQ(page.find("data:image/png"), page.find("<img src=") + 10);
}

TEST(LeaderboardPage, KeepsWhatIsNotComparableApart) {
  const Json entry{{"name", "<model>"}, {"value", 0.6},        {"interval", nullptr},
                   {"n", nullptr},      {"source", "a paper"}, {"kind", "published"}};
  Json ours = entry;
  ours.update({{"name", "mine"}, {"kind", "ours"}, {"interval", {0.5, 0.7}}, {"n", 12}});
  const Json board{
      {"tables", {{{"dataset", "D"}, {"protocol", "tau"}, {"rule", "r"}, {"higher_is_better", true}, {"entries", {ours, entry}}}}},
      {"other_protocols", {{{"dataset", "D"}, {"protocol", "not stated"}, {"entries", {entry}}}}}};
  const TempDir dir;
  write_leaderboard(dir / "l.html", board);
  const std::string page = read_file(dir / "l.html");
  EXPECT_EQ(testing::Checker(page).problem(), "");
  EXPECT_LT(page.find("tau on D"), page.find("Not comparable"));
  EXPECT_LT(page.find("Not comparable"), page.find("D: not stated"));
}

}  // namespace
}  // namespace beholder::report
