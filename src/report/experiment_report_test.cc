#include "report/experiment_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/file.h"

namespace beholder::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json seeded_metric(double value) {
  return {{"value", value}, {"interval", {value - 0.1, value + 0.1}}, {"by_seed", {value - 0.05, value + 0.05}}};
}

Json comparison() {
  Json better = seeded_metric(0.8);
  better["difference"] = 0.1;
  better["difference_interval"] = {0.05, 0.15};
  better["gap_closed"] = 0.5;
  better["against"] = -0.02;
  better["against_interval"] = {-0.06, 0.02};
  const Json bins = {{{"low", 0.1}, {"high", 0.5}, {"heard", 0.3}, {"accuracy", 0.4}, {"n", 5}},
                     {{"low", 0.5}, {"high", 0.9}, {"heard", 0.7}, {"accuracy", 0.9}, {"n", 4}}};
  return {{"title", "<i>title"},
          {"splits", {"test"}},
          {"arms",
           {{{"name", "cold"},
             {"note", ""},
             {"against", nullptr},
             {"seeds", {0}},
             {"unfinished", 0},
             {"step_time", nullptr},
             {"splits", {{"test", {{"items", 9}, {"verdict_accuracy", seeded_metric(0.7)}}}}}},
            {{"name", "<b>arm"},
             {"note", "\"n\""},
             {"against", "a & b"},
             {"seeds", {1, 2}},
             {"unfinished", 1},
             {"step_time", 2.25},
             {"splits", {{"test", {{"items", 9}, {"verdict_accuracy", better}, {"ece", {{"value", 0.125}}}, {"by_listener", bins}}}}}},
            {{"name", "missing"},
             {"note", ""},
             {"against", nullptr},
             {"step_time", nullptr},
             {"seeds", Json::array()},
             {"unfinished", 3},
             {"splits", {{"test", {{"items", 9}}}}}}}}};
}

TEST(ExperimentReport, ShowsEveryArmAndEscapesNames) {
  const TempDir dir;
  write_experiment_report(
      dir / "report.html", comparison(),
      {{.title = "eval_accuracy", .x_label = "step", .series = {{.name = "<b>arm", .x = {1, 2}, .y = {0.5, 0.6}, .marked = true}}}});
  const std::string page = read_file(dir / "report.html");
  EXPECT_THAT(page, Not(HasSubstr("<b>arm")));
  EXPECT_THAT(page, Not(HasSubstr("<i>title")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;arm"));
  EXPECT_THAT(page, HasSubstr("0.800 <span>[0.700, 0.900]</span>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"sure\">+0.100 [+0.050, +0.150]</span>"));
  EXPECT_THAT(page, HasSubstr("<td>50%</td>"));
  EXPECT_THAT(page, HasSubstr("2 <span>of 3</span>"));
  EXPECT_THAT(page, HasSubstr("<br><span>△ a &amp; b</span>"));
  EXPECT_THAT(page, HasSubstr("<span>△ -0.020 [-0.060, +0.020]</span>")) << "not marked: the interval holds zero";
  EXPECT_THAT(page, HasSubstr("<td>0.125</td>")) << "a value without an interval";
  EXPECT_THAT(page, HasSubstr("<td>2.2</td>")) << "seconds of a step";
  EXPECT_THAT(page, HasSubstr("deciles"));
  EXPECT_THAT(page, HasSubstr("Learning curves"));
}

TEST(IntervalPlot, PutsValuesWhereTheyBelongAndLeavesOutWhatIsMissing) {
  const std::string svg = interval_plot({.title = "t",
                                         .rows = {{.name = "a", .value = 0, .low = 0, .high = 0, .dots = {}},
                                                  {.name = "b", .value = 1, .low = 1, .high = 1, .dots = {0.5}},
                                                  {.name = "c", .value = std::nan(""), .low = 0, .high = 0, .dots = {}}},
                                         .reference = 0.5});
  std::vector<double> x;
  for (std::size_t at = svg.find("class=\"value\" cx=\""); at != svg.npos; at = svg.find("class=\"value\" cx=\"", at + 1))
    x.push_back(std::stod(svg.substr(at + 18)));
  ASSERT_EQ(x.size(), 2u) << "the row that has no value has no mark";
  const double dot = std::stod(svg.substr(svg.find("class=\"seed\" cx=\"") + 17));
  EXPECT_NEAR(dot, (x[0] + x[1]) / 2, 0.11);
  EXPECT_LT(x[0], x[1]);
  EXPECT_THAT(interval_plot({.title = "empty", .rows = {}, .reference = std::nan("")}), HasSubstr("empty"));
}

}  // namespace
}  // namespace beholder::report
