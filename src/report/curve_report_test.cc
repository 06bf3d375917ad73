#include "report/curve_report.h"

#include <cmath>

#include "core/error.h"
#include "report/metrics.h"
#include "report/testing.h"

namespace beholder::report {
namespace {

using testing::Checker;
using testing::count;

std::string run_log(int steps) {
  std::string out;
  for (int i = 1; i <= steps; ++i) {
    out += format("{{\"step\":{},\"time\":{},\"loss\":{},\"mean_token_accuracy\":{},\"learning_rate\":1e-4}}\n", i, 100 + i, 8.0 / i,
                  1 - 1.0 / (i + 1));
    if (i % 10 == 0) out += format("{{\"step\":{},\"time\":{},\"eval_loss\":{},\"eval_only\":null}}\n", i, 100 + i, 9.0 / i);
  }
  return out;
}

TEST(Metrics, ReadsSeriesByStep) {
  const TempDir dir;
  write_file_atomic(dir / "m.jsonl", run_log(30));
  const Metrics m = read_metrics(dir / "m.jsonl");
  EXPECT_EQ(m.names, (std::vector<std::string>{"loss", "mean_token_accuracy", "learning_rate", "eval_loss", "eval_only"}));
  EXPECT_EQ(m.series.at("loss").y.size(), 30u);
  EXPECT_EQ(m.series.at("eval_loss").x, (std::vector<double>{10, 20, 30}));
  EXPECT_TRUE(std::isnan(m.series.at("eval_only").y[0]));
  EXPECT_EQ(m.last_step, 30);
  EXPECT_EQ(m.seconds, 29);
  EXPECT_EQ(m.broken, 0);
}

TEST(Metrics, RepeatedStepsReplaceAndBrokenLinesAreCounted) {
  const TempDir dir;
  write_file_atomic(dir / "m.jsonl",
                    "{\"step\":1,\"loss\":4}\n{\"step\":2,\"loss\":3}\n{\"step\":2,\"loss\":2.5}\n\nnonsense\n[1]\n{\"step\":1e99,\"loss\":"
                    "1}\n{\"step\":3,\"lo");
  const Metrics m = read_metrics(dir / "m.jsonl");
  EXPECT_EQ(m.series.at("loss").y, (std::vector<double>{4, 2.5}));
  EXPECT_EQ(m.lines, 7);
  EXPECT_EQ(m.broken, 4);
}

TEST(Metrics, NothingToDrawIsAnError) {
  const TempDir dir;
  for (const char* text : {"", "\n\n", "{\"step\":1}\n", "\xFF\xFE"}) {
    write_file_atomic(dir / "m.jsonl", text);
    try {
      read_metrics(dir / "m.jsonl");
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::kInvalidInput);
    }
  }
  EXPECT_THROW(read_metrics(dir / "none.jsonl"), Error);
}

TEST(CurveReport, OnePanelPerMetricWithItsEvaluation) {
  const TempDir dir;
  write_file_atomic(dir / "m.jsonl", run_log(200) + "{\"step\":");
  write_curve_report(dir / "c.html", dir / "m.jsonl", "run <1>");
  const std::string page = read_file(dir / "c.html");
  EXPECT_EQ(Checker(page).problem(), "");
  EXPECT_EQ(count(page, "<section class=\"curve\">"), 4u);
  EXPECT_LT(page.find(">loss</text>"), page.find(">mean_token_accuracy</text>"));
  EXPECT_LT(page.find(">mean_token_accuracy</text>"), page.find(">learning_rate</text>"));
  EXPECT_EQ(count(page, "class=\"dot\""), 20u);  // the evaluations
  EXPECT_NE(page.find("run &lt;1&gt;"), std::string::npos);
  EXPECT_NE(page.find("1 line of the file could not be read"), std::string::npos);
  EXPECT_NE(page.find("never finite"), std::string::npos);
}

TEST(CurveReport, AnSvgStandsAlone) {
  const TempDir dir;
  write_file_atomic(dir / "m.jsonl", run_log(50));
  write_curve_svg(dir / "c.svg", dir / "m.jsonl", "Cold start");
  const std::string svg = read_file(dir / "c.svg");
  EXPECT_EQ(Checker(svg).problem(), "");
  EXPECT_EQ(count(svg, "class=\"plot\""), 2u);  // loss and accuracy
  EXPECT_EQ(count(svg, "<style>"), 1u);
  EXPECT_NE(svg.find("prefers-color-scheme"), std::string::npos);
  write_curve_svg(dir / "c.svg", dir / "m.jsonl", "t", {"learning_rate", "eval_loss"});
  EXPECT_EQ(count(read_file(dir / "c.svg"), "class=\"plot\""), 2u);
  try {
    write_curve_svg(dir / "c.svg", dir / "m.jsonl", "t", {"los"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidInput);
    EXPECT_NE(e.fix().find("learning_rate"), std::string::npos);
  }
}

}  // namespace
}  // namespace beholder::report
