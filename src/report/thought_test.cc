#include "report/thought.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace beholder::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string whole(const std::vector<ThoughtSection>& sections) {
  std::string out;
  for (const ThoughtSection& section : sections)
    for (const ThoughtSpan& span : section.spans) out += span.text;
  return out;
}

std::vector<std::string> marked(const ThoughtSection& section, Mark mark) {
  std::vector<std::string> out;
  for (const ThoughtSpan& span : section.spans)
    if (span.mark == mark) out.emplace_back(span.text);
  return out;
}

TEST(Thought, MarksWhatTellsThePicturesApart) {
  const std::string text =
      "Image 1 shows a red circle left of a blue square. It is sharp, clean and whole. Faults: none.\n"
      "Image 2 shows a red circle right of a blue square. It is sharp, noisy and whole. Faults: wrong relation, noise.";
  const auto sections = read_thought(text, 2);
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(whole(sections), text);
  EXPECT_EQ(sections[0].medium, 1);
  EXPECT_THAT(marked(sections[0], Mark::kDifferent), ElementsAre("left", "clean"));
  EXPECT_THAT(marked(sections[0], Mark::kNoFault), ElementsAre("none"));
  EXPECT_THAT(marked(sections[1], Mark::kDifferent), ElementsAre("right", "noisy"));
  EXPECT_THAT(marked(sections[1], Mark::kFault), ElementsAre("wrong relation", "noise"));
}

TEST(Thought, OfManyMediaMarksWhatHalfOfTheOthersLack) {
  const auto sections = read_thought("Image 1 is sharp and clean.\nImage 2 is sharp and clean.\nImage 3 is blurred and clean.", 3);
  ASSERT_EQ(sections.size(), 3u);
  EXPECT_THAT(marked(sections[0], Mark::kDifferent), ElementsAre("sharp"));
  EXPECT_THAT(marked(sections[2], Mark::kDifferent), ElementsAre("blurred"));
}

TEST(Thought, WithoutStructureIsShownAsItIs) {
  for (const std::string text : {"I prefer the second, because it is sharp.", "", "Image 7 is not among the two.", "\n\n  \n"}) {
    const auto sections = read_thought(text, 2);
    ASSERT_EQ(sections.size(), 1u) << text;
    EXPECT_EQ(sections[0].medium, 0);
    EXPECT_EQ(whole(sections), text);
    EXPECT_THAT(marked(sections[0], Mark::kDifferent), IsEmpty());
  }
}

TEST(Thought, ProseAboutBothIsCutButNotCompared) {
  const std::string text = "They differ. Image 1 is fine. Image 2 is not. Image 1 wins; **Image 2** loses.\n- Video 2: blurred";
  const auto sections = read_thought(text, 2);
  EXPECT_EQ(whole(sections), text);
  std::vector<int> media;
  for (const ThoughtSection& section : sections) {
    media.push_back(section.medium);
    EXPECT_THAT(marked(section, Mark::kDifferent), IsEmpty());
  }
  EXPECT_THAT(media, ElementsAre(0, 1, 2, 1, 2));
}

TEST(Thought, UnrelatedTextsAreNotMarkedWholesale) {
  const auto sections =
      read_thought("Image 1 has lovely warm evening light everywhere.\nImage 2 depicts something else altogether: dull, flat.", 2);
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_THAT(marked(sections[0], Mark::kDifferent), IsEmpty());
}

TEST(Thought, EveryTextComesBackWhole) {
  std::string text = "Image 1 Faults: faults: , ,blur.Image 2\nimage 2faults:\n Picture 01 photo 1 Image 1";
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::string changed = text;
    unsigned state = seed;
    for (int k = 0; k < 6; ++k) {
      state = state * 1664525u + 1013904223u;
      changed[(state >> 8) % changed.size()] = ".,\n:1 2;I\xC3"[(state >> 20) % 10];
    }
    EXPECT_EQ(whole(read_thought(changed, 2)), changed);
  }
  const std::string repeated(200'000, 'x');
  EXPECT_EQ(whole(read_thought("Image 1 " + repeated + ". Image 2 " + repeated, 2)).size(), 400'018u);
}

}  // namespace
}  // namespace beholder::report
