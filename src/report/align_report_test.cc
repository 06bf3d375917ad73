#include "report/align_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"

namespace beholder::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json paired_metric(double value, double difference) {
  return {{"value", value},
          {"interval", {value - 0.125, value + 0.125}},
          {"by_seed", {value - 0.0625, value + 0.0625}},
          {"difference", difference},
          {"difference_interval", {difference - 0.25, difference + 0.25}}};
}

TEST(AlignReport, ShowsEveryJudgeThePairsAndTheSamples) {
  const TempDir dir;
  Json base = {{"name", "base"}, {"note", ""}, {"seeds", {0}}, {"unfinished", 0}, {"problems", Json::array()}};
  base["judges"]["<j>"] = {
      {"total", {{"value", 0.5}, {"interval", {0.25, 0.75}}, {"by_seed", {0.5}}}},
      {"dimensions", {{"Quality & co", {{"reward", {{"value", 0.5}, {"interval", {0.25, 0.75}}, {"by_seed", {0.5}}}}, {"yes", Json()}}}}},
      {"unanswered", 0}};
  Json arm = {{"name", "<b>MPO"}, {"note", "n"}, {"seeds", {1, 2}}, {"unfinished", 1}, {"level", "dimension"}, {"threshold", 0.5}};
  arm["judges"]["<j>"] = {
      {"total", paired_metric(1.5, 1)},
      {"win", {{"value", 0.875}, {"interval", {0.75, 1.0}}, {"by_seed", {0.75, 1.0}}}},
      {"dimensions", {{"Quality & co", {{"reward", paired_metric(0.25, -0.5)}, {"yes", paired_metric(0.0625, -0.125)}}}}},
      {"worse", 1},
      {"surely_worse", 1},
      {"unanswered", 0}};
  arm["problems"] = {{{"seed", 3}, {"problem", "no pair of <6> is left"}}};
  for (const int seed : {1, 2})
    arm["pairs"].push_back({{"seed", seed}, {"written", 20}, {"levels", {{"dimension", {{"pairs", 21}}}, {"total", {{"pairs", 40}}}}}});
  const Json outcome = {{"title", "T & t"},   {"dimensions", {"Quality & co"}}, {"judges", {"<j>"}}, {"prompts", 1}, {"samples", 2},
                        {"arms", {base, arm}}};
  write_align_report(dir / "r.html", outcome, {{"base", "<b>MPO"}, {{"a <red> circle", 7, {dir / "gone.png", ""}}}}, {});
  const std::string page = read_file(dir / "r.html");
  EXPECT_THAT(page, HasSubstr("1 prompt, 2 samples each"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;MPO"));
  EXPECT_THAT(page, Not(HasSubstr("<b>MPO")));
  EXPECT_THAT(page, HasSubstr("<td>2 <span>of 3</span></td>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"sure\">+1.000 [+0.750, +1.250]</span>"));
  EXPECT_THAT(page, HasSubstr("<td>1<br><span class=\"sure\">1 surely</span></td>"));
  EXPECT_THAT(page, HasSubstr("<td>40</td><td>42</td>")) << "written and at the arm's level, both seeds together";
  EXPECT_THAT(page, HasSubstr("<td>80</td>"));
  EXPECT_THAT(page, HasSubstr("seed 3: no pair of &lt;6&gt; is left"));
  EXPECT_THAT(page, HasSubstr("a &lt;red&gt; circle"));
  EXPECT_THAT(page, HasSubstr("Quality &amp; co, difference"));
}

}  // namespace
}  // namespace beholder::report
