#include "report/completions_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beholder::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json line(const std::string& id, double advantage, const std::string& completion, bool parsed = true) {
  return {{"step", 7},
          {"id", id},
          {"prompt", "a <b> circle"},
          {"media", {"one", "two"}},
          {"q", 0.25},
          {"completion", completion},
          {"parsed", parsed},
          {"problem", "no answer"},
          {"choice", parsed ? 1 : 0},
          {"p", parsed ? Json(0.5) : Json()},
          {"listener", nullptr},
          {"rewards", {{"format", parsed ? 1.0 : 0.0}, {"mine", nullptr}}},
          {"advantage", advantage},
          {"tokens", 9}};
}

const auto kNoFile = [](const std::string& name) { return "/nowhere/" + name; };

TEST(CompletionsView, GroupsAreSortedEscapedAndMarked) {
  const std::string html = completions_html(
      {line("a", -1, "<think>Image 1 shows <i>. Faults: blur.</think>\n<answer>1</answer>"), line("a", 1, "broken <answer", false)},
      kNoFile);
  EXPECT_THAT(html, HasSubstr("step 7"));
  EXPECT_THAT(html, HasSubstr("1 of 1 groups"));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, Not(HasSubstr("<i>")));
  EXPECT_THAT(html, HasSubstr("<mark class=\"fault\">blur</mark>"));
  EXPECT_THAT(html, Not(HasSubstr("&lt;/think")));
  EXPECT_THAT(html, HasSubstr("Not readable: no answer"));
  EXPECT_LT(html.find("+1.00"), html.find("-1.00"));
  EXPECT_THAT(html, HasSubstr("one: ")) << "a picture that is not there is named";
}

TEST(CompletionsView, WhatIsNoCompletionIsKnown) {
  const Json whole = line("a", 0, "<think>t</think><answer>1</answer>");
  EXPECT_TRUE(is_completion(whole));
  for (const char* name : {"id", "prompt", "completion", "q", "advantage", "parsed", "choice", "rewards", "media", "p", "step"}) {
    Json damaged = whole;
    damaged.erase(name);
    EXPECT_FALSE(is_completion(damaged)) << name;
    if (std::string_view(name) == "p") continue;
    damaged[name] = nullptr;
    EXPECT_FALSE(is_completion(damaged)) << name;
  }
  EXPECT_FALSE(is_completion(Json(3)));
}

TEST(CompletionsView, ShowsSomeOfManyGroupsAndNothingOfNone) {
  std::vector<Json> lines;
  for (int i = 0; i < 30; ++i) lines.push_back(line("item" + std::to_string(i), 0, "<think>t</think><answer>1</answer>"));
  const std::string html = completions_html(lines, kNoFile, 3);
  EXPECT_THAT(html, HasSubstr("3 of 30 groups"));
  for (const char* shown : {"item0 ", "item10 ", "item20 "}) EXPECT_THAT(html, HasSubstr(shown));
  EXPECT_THAT(html, Not(HasSubstr("item1 ")));
  EXPECT_EQ(completions_html({}, kNoFile), "");
}

}  // namespace
}  // namespace beholder::report
