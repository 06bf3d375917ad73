#include "world/scene.h"

#include <cmath>

#include "core/error.h"
#include "core/format.h"

namespace beholder::world {

std::string_view name_of(Colour colour) {
  static constexpr std::array<std::string_view, kColours> kNames = {"red", "green", "blue", "yellow", "purple", "cyan"};
  return kNames.at(static_cast<std::size_t>(colour));
}

std::string_view name_of(Shape shape) {
  static constexpr std::array<std::string_view, kShapes> kNames = {"circle", "square", "triangle", "star", "cross"};
  return kNames.at(static_cast<std::size_t>(shape));
}

std::string_view name_of(Relation relation) {
  static constexpr std::array<std::string_view, kRelations> kNames = {"left of", "right of", "above", "below"};
  return kNames.at(static_cast<std::size_t>(relation));
}

std::string_view name_of(Defect defect) {
  static constexpr std::array<std::string_view, kDefects> kNames = {"wrong colour", "missing object", "wrong relation", "wrong count",
                                                                    "blur",         "noise",          "warp",           "flicker"};
  return kNames.at(static_cast<std::size_t>(defect));
}

std::string_view number_name(int n) {
  static constexpr std::array<std::string_view, 5> kNames = {"one", "two", "three", "four", "five"};
  return kNames.at(static_cast<std::size_t>(n - 1));
}

Relation inverse(Relation relation) {
  switch (relation) {
    case Relation::kLeftOf:
      return Relation::kRightOf;
    case Relation::kRightOf:
      return Relation::kLeftOf;
    case Relation::kAbove:
      return Relation::kBelow;
    case Relation::kBelow:
      return Relation::kAbove;
  }
  throw Error(Code::kInternal, "world", "no such relation");
}

std::string phrase(const Thing& thing) {
  return format("a {} {}", name_of(thing.colour), name_of(thing.shape));
}

std::string noun(Shape shape, int count) {
  return format("{}{}", name_of(shape), count == 1 ? "" : shape == Shape::kCross ? "es" : "s");
}

std::string phrase(const Thing& thing, int count) {
  return format("{} {} {}", number_name(count), name_of(thing.colour), noun(thing.shape, count));
}

std::string Prompt::text() const {
  if (kind == PromptKind::kCount) return phrase(first, count);
  return format("{} {} {}", phrase(first), kind == PromptKind::kRelation ? name_of(relation) : "and", phrase(second));
}

Relation relation_between(const Object& a, const Object& b) {
  const double dx = a.x - b.x, dy = a.y - b.y;
  if (std::abs(dx) >= std::abs(dy)) return dx < 0 ? Relation::kLeftOf : Relation::kRightOf;
  return dy < 0 ? Relation::kAbove : Relation::kBelow;
}

const Object* find_object(const Scene& scene, Shape shape) {
  for (const Object& object : scene.objects)
    if (object.thing.shape == shape) return &object;
  return nullptr;
}

DefectSet defects_of(const Prompt& prompt, const Scene& scene) {
  DefectSet found;
  const Object* a = find_object(scene, prompt.first.shape);
  if (a && a->thing.colour != prompt.first.colour) found.add(Defect::kWrongColour);
  if (prompt.kind == PromptKind::kCount) {
    if (static_cast<int>(scene.objects.size()) != prompt.count) found.add(Defect::kWrongCount);
  } else {
    const Object* b = find_object(scene, prompt.second.shape);
    if (b && b->thing.colour != prompt.second.colour) found.add(Defect::kWrongColour);
    if (!a || !b) found.add(Defect::kMissingObject);
    if (a && b && prompt.kind == PromptKind::kRelation && relation_between(*a, *b) != prompt.relation) found.add(Defect::kWrongRelation);
  }
  const Quality& q = scene.quality;
  if (q.blur_px >= kBlurThreshold) found.add(Defect::kBlur);
  if (q.noise >= kNoiseThreshold) found.add(Defect::kNoise);
  if (q.warp >= kWarpThreshold) found.add(Defect::kWarp);
  if (scene.is_video() && q.flicker >= kFlickerThreshold) found.add(Defect::kFlicker);
  return found;
}

}  // namespace beholder::world
