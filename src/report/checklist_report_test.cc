#include "report/checklist_report.h"

#include "report/testing.h"

namespace beholder::report {
namespace {

using testing::Checker;
using testing::count;

const std::string kHostile = "\"><script>alert(1)</script> & [[prompt]]";

Json part(const std::string& name, double value, double low, double high) {
  return {{"name", name}, {"value", value}, {"low", low}, {"high", high}};
}

Json scored(const std::string& id) {
  Json look = part("Look", 0.5, -1.5, 1.5);
  look["subs"] = {part("sharp", 1, -1, 1), part("colour", -0.5, -0.5, 0.5)};
  Json content = part(kHostile, 0, 0, 0);  // a dimension whose weights are all 0
  content["subs"] = {part("prompt", 0, 0, 0)};
  Json questions = {{{"question", kHostile}, {"dimension", "Look"}, {"answer", -1}, {"value", -0.5}},
                    {{"question", "good hands?"}, {"dimension", "Look"}, {"answer", 0}, {"value", 0}, {"masked", true}}};
  return {
      {"id", id},       {"prompt", kHostile}, {"score", 0.5}, {"alignment", 0.3}, {"dimensions", {look, content}}, {"questions", questions},
      {"unanswered", 1}};
}

std::string page_written(const std::function<void(const std::string&)>& write) {
  const TempDir dir;
  write(dir / "page.html");
  return read_file(dir / "page.html");
}

TEST(ChecklistReport, ScoresWithTheirParts) {
  const std::string page = page_written([](const std::string& path) { write_checklist_scores(path, {scored("a"), scored("b")}, 7); });
  EXPECT_EQ(Checker(page).problem(), "");
  EXPECT_EQ(count(page, "class=\"part \""), 4u);
  EXPECT_EQ(count(page, "class=\"part inner\""), 4u);
  EXPECT_EQ(count(page, "1 answer was neither"), 2u);
  EXPECT_EQ(count(page, "1 question does not arise here"), 2u);
  EXPECT_EQ(count(page, "<li>good hands?</li>"), 2u);
  EXPECT_EQ(count(page, "<b>-0.500</b> no"), 2u) << "which questions decided";
  EXPECT_EQ(count(page, "the first 2 of 7 records"), 1u);
  EXPECT_EQ(count(page, "alert(1)</script>"), 0u);
}

TEST(ChecklistReport, AChoiceAndATie) {
  Json record{{"first", "a.png"},   {"second", kHostile},  {"prompt", kHostile},   {"choice", 2},    {"tie", false},
              {"difference", -1.5}, {"probability", 0.18}, {"scores", {0.5, 2.0}}, {"unanswered", 0}};
  record["dimensions"] = {{{"name", "Look"}, {"first", 1}, {"second", 2.5}, {"difference", -1.5}}};
  record["questions"] = {{{"question", kHostile}, {"dimension", "Look"}, {"first", -1}, {"second", 0}, {"difference", -1.5}}};
  const std::string page = page_written([&](const std::string& path) { write_checklist_choice(path, record); });
  EXPECT_EQ(Checker(page).problem(), "");
  EXPECT_EQ(count(page, "no against does not count"), 1u);
  EXPECT_EQ(count(page, "differences are sums"), 0u);
  EXPECT_EQ(count(page, "side best"), 1u);
  record["tie"] = true;
  record["mean_of"] = 29;
  record["questions"] = Json::array();
  record["dimensions"][0]["difference"] = 0;
  const std::string tie = page_written([&](const std::string& path) { write_checklist_choice(path, record); });
  EXPECT_EQ(Checker(tie).problem(), "");
  EXPECT_EQ(count(tie, "side best"), 0u);
  EXPECT_EQ(count(tie, "answered alike"), 1u);
  EXPECT_EQ(count(tie, "Scores are means over 29 questions; differences are sums"), 1u);
}

TEST(ChecklistReport, TheTreeWithLevelsAndWeights) {
  const Json tree{
      {"title", kHostile},
      {"media", "image"},
      {"count", 2},
      {"presence", {{{"id", "hands"}, {"question", "hands?"}}}},
      {"dimensions",
       {{{"name", "Look"},
         {"subs",
          {{{"name", "hands"}, {"needs", "hands"}, {"questions", {{{"question", "good?"}, {"level", kHostile}, {"weight", 0.25}}}}}}}}}}};
  const std::string page = page_written([&](const std::string& path) { write_checklist_tree(path, tree); });
  EXPECT_EQ(Checker(page).problem(), "");
  EXPECT_EQ(count(page, "needs hands"), 1u);
  EXPECT_EQ(count(page, "0.2500"), 1u);
}

TEST(ChecklistReport, AFitWithAndWithoutWhatCouldBeMeasured) {
  const auto question = [](double weight, const Json& interval) {
    return Json{{"question", kHostile}, {"dimension", "Look"},  {"sub_dimension", "s"},
                {"weight", weight},     {"interval", interval}, {"n", 12},
                {"accuracy", nullptr},  {"spearman", 0.25},     {"kept", true}};
  };
  Json fit{{"coef", {0.5, 0}},  {"intercept", {0.0}}, {"solver", "newton"}, {"loss", 0.5},    {"iterations", 7},
           {"converged", true}, {"separable", false}, {"seed", 1},          {"bootstrap", 20}};
  fit["pairs"] = {{"untied", 100}, {"ties", 3}, {"prompts", 30}, {"without_answers", 0}, {"bad_records", 0}, {"unlabelled", 0}};
  fit["questions"] = {question(0, nullptr), question(0.5, {0.25, 0.75})};
  fit["evaluation"] = {{"held_out", true},       {"pairs", 20}, {"ties", 1},        {"prompts", 6},   {"accuracy", 0.75},
                       {"interval", {0.6, 0.9}}, {"tau", 0.7},  {"threshold", 0.1}, {"log_loss", 0.5}};
  fit["learning_curve"] = {{{"pairs", 10}, {"accuracy", 0.6}, {"low", 0.5}, {"high", 0.7}},
                           {{"pairs", 80}, {"accuracy", 0.75}, {"low", 0.75}, {"high", 0.75}}};
  const std::string page = page_written([&](const std::string& path) { write_checklist_fit(path, fit); });
  EXPECT_EQ(Checker(page).problem(), "");
  EXPECT_EQ(count(page, "[0.250, 0.750]"), 2u);  // in the plot and in the table
  EXPECT_EQ(count(page, "box warn"), 0u);
  fit["separable"] = true;
  fit["evaluation"]["held_out"] = false;
  fit["evaluation"]["interval"] = nullptr;
  fit["learning_curve"] = Json::array();
  const std::string poor = page_written([&](const std::string& path) { write_checklist_fit(path, fit); });
  EXPECT_EQ(Checker(poor).problem(), "");
  EXPECT_EQ(count(poor, "box warn"), 2u);
}

}  // namespace
}  // namespace beholder::report
