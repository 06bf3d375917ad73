// Turns the sentences of a thought into claims, without looking at any scene. Used by the checker.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "world/scene.h"

namespace beholder::world {

// "a red circle": number 1, not counted; "three red circles": number 3, counted; "no red circle": number 0.
// "two, not three, green, not red, circles" says what else was asked for.
struct ThingClaim {
  int number = 1;
  bool counted = false;
  Thing thing;
  std::optional<int> not_number;
  std::optional<Colour> not_colour;
};

struct ShowsClaim {
  int medium = 0;                  // 0-based, not checked against anything
  std::vector<ThingClaim> things;  // 1 or 2
  std::optional<Relation> relation, not_relation;
};

// The quality words, in pairs of good and bad.
struct QualityClaim {
  enum Aspect { kSharp, kClean, kWhole, kSteady };
  Aspect aspect = kSharp;
  bool good = true;
};

struct FaultsClaim {
  DefectSet named;
  bool none = false;  // "Faults: none"
  int unknown = 0;    // names that are no fault
};

// Lower-case sentences without surrounding blanks; empty ones are left out.
std::vector<std::string> sentences_of(std::string_view text);

// Each gives nothing when the sentence (as sentences_of gives it) is not of its kind.
std::optional<ShowsClaim> read_shows(std::string_view sentence);
std::optional<std::vector<QualityClaim>> read_quality(std::string_view sentence);
std::optional<FaultsClaim> read_faults(std::string_view sentence);

}  // namespace beholder::world
