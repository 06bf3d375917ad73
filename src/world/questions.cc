#include "world/questions.h"

#include <algorithm>
#include <array>

#include "core/format.h"

namespace beholder::world {
namespace {

struct Case {
  const Prompt& prompt;
  const Scene& scene;
  DefectSet defects;
};

struct Known {
  std::string_view question;
  bool (*yes)(const Case&);
  std::optional<PromptKind> kind = {};  // the only prompts for which it is asked in earnest
};

constexpr std::array kContent = {Defect::kWrongColour, Defect::kMissingObject, Defect::kWrongRelation, Defect::kWrongCount};

bool shows_prompt(const Case& c) {
  return std::none_of(kContent.begin(), kContent.end(), [&](Defect d) { return c.defects.has(d); });
}

template <Defect kDefect>
bool free_of(const Case& c) {
  return !c.defects.has(kDefect);
}

template <int kLeast>
bool at_least(const Case& c) {
  return static_cast<int>(c.scene.objects.size()) >= kLeast;
}

bool light_background(const Case& c) {
  constexpr float kMiddle = 134;  // of 24 to 244
  const Background& back = c.scene.background;
  float sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += back.from[i] + (back.kind == BackgroundKind::kFlat ? back.from[i] : back.to[i]);
  return sum / 6 > kMiddle;
}

constexpr Known kKnown[] = {
    {"Does it show [[prompt]]?", shows_prompt},
    {"Is a relation asked for: [[prompt]]?", [](const Case& c) { return c.prompt.kind == PromptKind::kRelation; }},
    {"Is a count asked for: [[prompt]]?", [](const Case& c) { return c.prompt.kind == PromptKind::kCount; }},
    {"Is nothing missing: [[prompt]]?", free_of<Defect::kMissingObject>},
    {"Is no colour wrong: [[prompt]]?", free_of<Defect::kWrongColour>},
    {"Is no relation wrong: [[prompt]]?", free_of<Defect::kWrongRelation>, PromptKind::kRelation},
    {"Is the count right: [[prompt]]?", free_of<Defect::kWrongCount>, PromptKind::kCount},
    {"Does it show three or more?", at_least<3>},
    {"Does it show two or more?", at_least<2>},
    {"Is the background light?", light_background},
    {"Is the background plain?", [](const Case& c) { return c.scene.background.kind == BackgroundKind::kFlat; }},
    {"Is it sharp?", free_of<Defect::kBlur>},
    {"Is it clean?", free_of<Defect::kNoise>},
    {"Is each shape whole?", free_of<Defect::kWarp>},
    {"Is it steady?", free_of<Defect::kFlicker>},
};

}  // namespace

std::vector<std::string_view> known_questions() {
  std::vector<std::string_view> out;
  for (const Known& known : kKnown) out.push_back(known.question);
  return out;
}

std::optional<bool> truth_of(std::string_view question, const Prompt& prompt, const Scene& scene) {
  for (const Known& known : kKnown)
    if (known.question == question && known.kind.value_or(prompt.kind) == prompt.kind)
      return known.yes({prompt, scene, defects_of(prompt, scene)});
  return std::nullopt;
}

std::vector<Lesson> lessons(const Scene& scene, int most, Rng& rng) {
  std::vector<Lesson> out;
  if (scene.objects.empty()) return out;
  for (int i = 0; i < most; ++i) {
    const Thing& thing = scene.objects[rng.below(scene.objects.size())].thing;
    const bool yes = rng.chance(0.5), any = rng.chance(0.5);
    // The colours that the answer yes is true of: of all that is shown, or of this shape.
    std::array<bool, kColours> right{};
    for (const Object& o : scene.objects)
      if (any || o.thing.shape == thing.shape) right[static_cast<std::size_t>(o.thing.colour)] = true;
    const auto colours = std::count(right.begin(), right.end(), true);
    if (colours == kColours || (!any && colours > 1)) continue;
    std::size_t colour = rng.below(kColours);
    while (right[colour] != yes) colour = (colour + 1) % kColours;
    const std::string_view name = name_of(static_cast<Colour>(colour));
    out.push_back({any ? format("Is it {}?", name) : format("Is the {} {}?", name_of(thing.shape), name), yes});
  }
  return out;
}

}  // namespace beholder::world
