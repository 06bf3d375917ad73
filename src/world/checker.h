// The independent checker: reads any model's thought about an item's media and holds every statement in it against the
// scenes. It shares nothing with the writer of reference thoughts but the names of things, so each finds the other's bugs.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "world/item.h"

namespace beholder::world {

// What a thought should say about every medium. An object is judged by colour and presence together.
enum class Attribute { kFirstObject, kSecondObject, kRelation, kCount, kSharpness, kNoise, kWholeness, kSteadiness };
inline constexpr int kAttributes = 8;
std::string_view name_of(Attribute attribute);  // "first object", …, "steadiness"

enum class Mark {
  kNotApplicable,  // the scene has no such attribute, e.g. a relation where an object is missing
  kAbsent,         // the thought says nothing about it
  kRight,
  kWrong,  // false, or contradicted by the thought itself
};

struct MediumCheck {
  std::array<Mark, kAttributes> marks{};
  DefectSet claimed, actual;   // faults listed, and faults there are
  bool faults_listed = false;  // a "Faults:" sentence was there, "none" included
  int true_statements = 0, false_statements = 0, unparsed = 0;
};

struct ThoughtCheck {
  std::vector<MediumCheck> media;  // K
  int stray = 0;                   // unparsed statements that belong to no medium
  bool well_formed = false;        // each medium once, in order, with everything that belongs to it and nothing else
  int statements() const;          // true + false + unparsed + stray
  int true_statements() const;
};

// Sentences end at a full stop or a new line. Those of an unknown shape count as one unparsed statement each; nothing throws.
ThoughtCheck check_thought(std::string_view thought, const Item& item);

}  // namespace beholder::world
