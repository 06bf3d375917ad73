#include "report/svg.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "report/testing.h"

namespace beholder::report {
namespace {

using testing::Checker;
using testing::count;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Svg, BarPutsValueAndIntervalWhereTheyBelong) {
  const std::string svg = bar({0.62, 0.5, 0.75}, "a<b");
  EXPECT_EQ(Checker(svg).problem(), "");
  EXPECT_NE(svg.find("cx=\"62.00%\""), std::string::npos);
  EXPECT_NE(svg.find("x1=\"50.00%\" x2=\"75.00%\""), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b"), std::string::npos);
  EXPECT_EQ(count(bar({0.62}, ""), "whisker"), 0u);
}

TEST(Svg, BarAndStripTakeAnyNumber) {
  for (const double v : {-3.0, 0.0, 1.0, 7.0, kNan, kInf, -kInf}) {
    const std::string svg = bar({v, v, v}, "") + vote_strip(v, {{v, true}}, "");
    EXPECT_EQ(Checker(svg).problem(), "");
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
    EXPECT_EQ(svg.find("\"-"), std::string::npos);
  }
}

TEST(Svg, HeatMapDrawsItsCellsOnly) {
  HeatMap map{
      {"one", "two"}, {"1", "2"}, {{0, 1, 0.9, true, "t", "#x"}, {1, 0, 0.1, false, "u", ""}, {2, 0, 0.5, false, "outside", ""}}, "m"};
  const std::string svg = heat_map(map);
  EXPECT_EQ(Checker("<p id=\"x\"></p>" + svg).problem(), "");
  EXPECT_EQ(count(svg, "class=\"cell win\""), 1u);
  EXPECT_EQ(count(svg, "class=\"cell lose\""), 1u);
  EXPECT_EQ(count(svg, "class=\"flag\""), 1u);
  EXPECT_NE(svg.find(">90</text>"), std::string::npos);
  EXPECT_EQ(svg.find("outside"), std::string::npos);
  map.around_half = false;
  EXPECT_EQ(count(heat_map(map), "cell lose"), 0u);
}

TEST(Svg, LinePlotScalesToItsValues) {
  LinePlot plot;
  plot.title = "loss <&>";
  plot.series.push_back({"loss", {0, 10}, {1, 3}, false});
  const std::string svg = line_plot(plot);
  EXPECT_EQ(Checker(svg).problem(), "");
  EXPECT_NE(svg.find("class=\"line\" d=\"M52.0 "), std::string::npos);  // from the left edge
  EXPECT_NE(svg.find("L466.0 "), std::string::npos);                    // to the right one
}

TEST(Svg, LinePlotSurvivesHardSeries) {
  LinePlot plot;
  plot.series = {{"one point", {5}, {2}, true},           {"none", {}, {}, false},
                 {"gap", {1, 2, 3}, {1, kNan, 1}, false}, {"huge", {1, 2}, {1e300, -1e300}, false},
                 {"flat", {1, 2}, {0, 0}, false},         {"inf", {kInf, kNan}, {1, 1}, false}};
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    LinePlot alone;
    alone.series = {plot.series[i]};
    alone.log_axis = i % 2 == 0;
    for (const std::string& svg : {line_plot(alone), line_plot(plot)}) {
      EXPECT_EQ(Checker(svg).problem(), "");
      EXPECT_EQ(svg.find("nan"), std::string::npos) << plot.series[i].name;
      EXPECT_EQ(svg.find("\"inf"), std::string::npos) << plot.series[i].name;
    }
  }
  EXPECT_NE(line_plot({}).find("no values"), std::string::npos);
}

TEST(Svg, ManyPointsAreThinnedButKeepTheirPeaks) {
  LinePlot plot;
  plot.series.resize(1);
  for (int i = 0; i < 200'000; ++i) {
    plot.series[0].x.push_back(i);
    plot.series[0].y.push_back(std::sin(i * 0.001));
  }
  const std::string svg = line_plot(plot);
  EXPECT_LT(svg.size(), 40'000u);
  EXPECT_GT(count(svg, "L"), 400u);
}

TEST(Ticks, AreEasyToRead) {
  EXPECT_THAT(nice_ticks(0, 1), ::testing::Pointwise(::testing::DoubleEq(), {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}));
  EXPECT_THAT(log_ticks(0.05, 7), ::testing::Pointwise(::testing::DoubleEq(), {0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0}));
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{{0, 1e-9}, {-3, 17}, {1e6, 1.1e6}, {-1e300, 1e300}, {99, 100}}) {
    const auto ticks = nice_ticks(low, high);
    EXPECT_GE(ticks.size(), 3u) << low;
    EXPECT_LE(ticks.size(), 9u) << low;
    EXPECT_TRUE(std::is_sorted(ticks.begin(), ticks.end()));
  }
  EXPECT_TRUE(nice_ticks(1, 1).empty());
  EXPECT_TRUE(nice_ticks(kNan, 1).empty());
  EXPECT_EQ(tick_text(20'000), "20k");
  EXPECT_EQ(tick_text(-0.25), "-0.25");
  EXPECT_EQ(tick_text(3e-5), "3e-05");
}

}  // namespace
}  // namespace beholder::report
