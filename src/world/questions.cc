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

// Of any thing shown, or of one shape.
std::optional<Lesson> colour_lesson(const Scene& scene, Rng& rng) {
  const Shape shape = scene.objects[rng.below(scene.objects.size())].thing.shape;
  const bool yes = rng.chance(0.5), any = rng.chance(0.5);
  std::array<bool, kColours> right{};  // the colours that the answer yes is true of
  for (const Object& o : scene.objects)
    if (any || o.thing.shape == shape) right[static_cast<std::size_t>(o.thing.colour)] = true;
  const auto colours = std::count(right.begin(), right.end(), true);
  if (colours == kColours || (!any && colours > 1)) return std::nullopt;
  std::size_t colour = rng.below(kColours);
  while (right[colour] != yes) colour = (colour + 1) % kColours;
  const std::string_view name = name_of(static_cast<Colour>(colour));
  return Lesson{any ? format("Is it {}?", name) : format("Is the {} {}?", name_of(shape), name), yes};
}

// Of a shape that stands beside a thing of another colour: its own, or that one. Whoever knows only which shapes and colours are shown
// cannot tell.
std::optional<Lesson> binding_lesson(const Scene& scene, Rng& rng) {
  const Object& asked = scene.objects[rng.below(scene.objects.size())];
  std::vector<Colour> others;
  for (const Object& o : scene.objects) {
    if (o.thing.shape == asked.thing.shape && o.thing.colour != asked.thing.colour) return std::nullopt;
    if (o.thing.shape != asked.thing.shape && o.thing.colour != asked.thing.colour) others.push_back(o.thing.colour);
  }
  if (others.empty()) return std::nullopt;
  const bool yes = rng.chance(0.5);
  const Colour colour = yes ? asked.thing.colour : others[rng.below(others.size())];
  return Lesson{format("Is the {} {}?", name_of(asked.thing.shape), name_of(colour)), yes};
}

// In which half of the picture a shape stands that is shown once, or that it stands in the other.
std::optional<Lesson> half_lesson(const Scene& scene, Rng& rng) {
  const Object& asked = scene.objects[rng.below(scene.objects.size())];
  const auto same = [&](const Object& o) { return o.thing.shape == asked.thing.shape; };
  if (std::count_if(scene.objects.begin(), scene.objects.end(), same) > 1) return std::nullopt;
  const bool across = rng.chance(0.5), yes = rng.chance(0.5);
  const bool first = across ? asked.x < scene.width / 2.0 : asked.y < scene.height / 2.0;
  const Relation side = across ? Relation::kLeftOf : Relation::kAbove;
  return Lesson{format("Is the {} {} the middle?", name_of(asked.thing.shape), name_of(first == yes ? side : inverse(side))), yes};
}

// Of two things of different shapes, where nothing else is shown: where one stands, or that it stands on the other side.
std::optional<Lesson> place_lesson(const Scene& scene, Rng& rng) {
  if (scene.objects.size() != 2 || scene.objects[0].thing.shape == scene.objects[1].thing.shape) return std::nullopt;
  const std::size_t first = rng.below(2);
  const Object &a = scene.objects[first], &b = scene.objects[1 - first];
  const bool yes = rng.chance(0.5);
  const Relation is = relation_between(a, b);
  return Lesson{format("Is the {} {} the {}?", name_of(a.thing.shape), name_of(yes ? is : inverse(is)), name_of(b.thing.shape)), yes};
}

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
  constexpr std::array kKinds = {colour_lesson, binding_lesson, half_lesson, place_lesson};
  for (int i = 0; i < most; ++i) {
    const std::size_t first = rng.below(kKinds.size());
    std::optional<Lesson> lesson;
    for (std::size_t k = 0; k < kKinds.size() && !lesson; ++k) lesson = kKinds[(first + k) % kKinds.size()](scene, rng);
    if (lesson) out.push_back(*std::move(lesson));
  }
  return out;
}

}  // namespace beholder::world
