#include "world/questions.h"

#include <algorithm>
#include <array>
#include <utility>

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

constexpr std::array<std::string_view, kLessonKinds> kLessonNames = {"colour", "binding", "row", "column", "place", "relation"};
constexpr std::string_view kAsksRelation = "Is no relation wrong: [[prompt]]?";

constexpr Known kKnown[] = {
    {"Does it show [[prompt]]?", shows_prompt},
    {"Is a relation asked for: [[prompt]]?", [](const Case& c) { return c.prompt.kind == PromptKind::kRelation; }},
    {"Is a count asked for: [[prompt]]?", [](const Case& c) { return c.prompt.kind == PromptKind::kCount; }},
    {"Is nothing missing: [[prompt]]?", free_of<Defect::kMissingObject>},
    {"Is no colour wrong: [[prompt]]?", free_of<Defect::kWrongColour>},
    {kAsksRelation, free_of<Defect::kWrongRelation>, PromptKind::kRelation},
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

using Asked = std::optional<std::pair<std::string, bool>>;  // and whether the answer is yes

// Of any thing shown, or of one shape.
Asked colour_lesson(const Scene& scene, Rng& rng) {
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
  return std::pair{any ? format("Is it {}?", name) : format("Is the {} {}?", name_of(shape), name), yes};
}

// Of a shape that stands beside a thing of another colour: its own, or that one. Whoever knows only which shapes and colours are shown
// cannot tell.
Asked binding_lesson(const Scene& scene, Rng& rng) {
  const Object& asked = scene.objects[rng.below(scene.objects.size())];
  std::vector<Colour> others;
  for (const Object& o : scene.objects) {
    if (o.thing.shape == asked.thing.shape && o.thing.colour != asked.thing.colour) return std::nullopt;
    if (o.thing.shape != asked.thing.shape && o.thing.colour != asked.thing.colour) others.push_back(o.thing.colour);
  }
  if (others.empty()) return std::nullopt;
  const bool yes = rng.chance(0.5);
  const Colour colour = yes ? asked.thing.colour : others[rng.below(others.size())];
  return std::pair{format("Is the {} {}?", name_of(asked.thing.shape), name_of(colour)), yes};
}

// In which half of the picture a shape stands that is shown once, or that it stands in the other.
Asked half_lesson(const Scene& scene, bool across, Rng& rng) {
  const Object& asked = scene.objects[rng.below(scene.objects.size())];
  const auto same = [&](const Object& o) { return o.thing.shape == asked.thing.shape; };
  if (std::count_if(scene.objects.begin(), scene.objects.end(), same) > 1) return std::nullopt;
  const bool yes = rng.chance(0.5);
  const bool first = across ? asked.x < scene.width / 2.0 : asked.y < scene.height / 2.0;
  const Relation side = across ? Relation::kLeftOf : Relation::kAbove;
  return std::pair{format("Is the {} {} the middle?", name_of(asked.thing.shape), name_of(first == yes ? side : inverse(side))), yes};
}

bool two_shapes(const Scene& scene) {
  return scene.objects.size() == 2 && scene.objects[0].thing.shape != scene.objects[1].thing.shape;
}

// Of two things of different shapes, where nothing else is shown: where one stands, or that it stands on the other side.
Asked place_lesson(const Scene& scene, Rng& rng) {
  if (!two_shapes(scene)) return std::nullopt;
  const std::size_t first = rng.below(2);
  const Object &a = scene.objects[first], &b = scene.objects[1 - first];
  const bool yes = rng.chance(0.5);
  const Relation is = relation_between(a, b);
  return std::pair{format("Is the {} {} the {}?", name_of(a.thing.shape), name_of(yes ? is : inverse(is)), name_of(b.thing.shape)), yes};
}

// Faults turn a relation round in one of three cases only, and whoever sees its axis alone is right in the others.
Asked relation_lesson(const Scene& scene, Rng& rng) {
  if (!two_shapes(scene)) return std::nullopt;
  const std::size_t first = rng.below(2);
  const Object &a = scene.objects[first], &b = scene.objects[1 - first];
  const bool yes = rng.chance(0.5);
  const Relation is = relation_between(a, b);
  const Prompt prompt{.kind = PromptKind::kRelation, .first = a.thing, .second = b.thing, .relation = yes ? is : inverse(is)};
  std::string question(kAsksRelation);
  constexpr std::string_view kPlaceholder = "[[prompt]]";
  question.replace(question.find(kPlaceholder), kPlaceholder.size(), prompt.text());
  return std::pair{std::move(question), yes};
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

std::string_view name_of(LessonKind kind) {
  return kLessonNames[static_cast<std::size_t>(kind)];
}

std::optional<LessonKind> lesson_kind_named(std::string_view name) {
  const auto at = std::find(kLessonNames.begin(), kLessonNames.end(), name);
  if (at == kLessonNames.end()) return std::nullopt;
  return static_cast<LessonKind>(at - kLessonNames.begin());
}

std::optional<Lesson> lesson(const Scene& scene, LessonKind kind, Rng& rng) {
  if (scene.objects.empty()) return std::nullopt;
  Asked asked;
  switch (kind) {
    case LessonKind::kColour:
      asked = colour_lesson(scene, rng);
      break;
    case LessonKind::kBinding:
      asked = binding_lesson(scene, rng);
      break;
    case LessonKind::kRow:
      asked = half_lesson(scene, false, rng);
      break;
    case LessonKind::kColumn:
      asked = half_lesson(scene, true, rng);
      break;
    case LessonKind::kPlace:
      asked = place_lesson(scene, rng);
      break;
    case LessonKind::kRelation:
      asked = relation_lesson(scene, rng);
      break;
  }
  if (!asked) return std::nullopt;
  return Lesson{kind, std::move(asked->first), asked->second};
}

std::vector<Lesson> lessons(const Scene& scene, int most, std::span<const LessonKind> kinds, Rng& rng) {
  std::vector<Lesson> out;
  for (int i = 0; i < most; ++i) {
    const std::size_t first = rng.below(kinds.size());
    std::optional<Lesson> one;
    for (std::size_t k = 0; k < kinds.size() && !one; ++k) one = lesson(scene, kinds[(first + k) % kinds.size()], rng);
    if (one) out.push_back(*std::move(one));
  }
  return out;
}

}  // namespace beholder::world
