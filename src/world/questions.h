// The truth about the yes/no questions that the checklists of the embedded world ask (src/checklist/lists/world*.toml), read off the
// scene. A checklist of one's own may ask any of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "world/scene.h"

namespace beholder::world {

// Every question with a known answer, "[[prompt]]" where the prompt goes.
std::vector<std::string_view> known_questions();

// Whether the answer to `question` (as above) is yes. Empty for a question that is not known, and where it has no
// answer: a wrong count where none was asked for (a checklist masks it there).
std::optional<bool> truth_of(std::string_view question, const Prompt& prompt, const Scene& scene);

// Simpler questions about a thing or two, for learning the others.
enum class LessonKind {
  kColour,    // "Is it red?" of any shown thing, "Is the circle red?" of one shape; wrong colours are any that are not there
  kBinding,   // "Is the circle red?", where the wrong colour is that of another thing
  kRow,       // "Is the circle above the middle?"
  kColumn,    // "Is the circle left of the middle?"
  kPlace,     // "Is the circle left of the star?", where only these two are shown
  kRelation,  // the checklists' question about a relation, of a prompt that says where two things stand, or turns it round
};
inline constexpr int kLessonKinds = 6;
std::string_view name_of(LessonKind kind);  // "colour", "binding", "row", "column", "place", "relation"
std::optional<LessonKind> lesson_kind_named(std::string_view name);

struct Lesson {
  LessonKind kind = LessonKind::kColour;
  std::string question;
  bool yes = false;
};

// A lesson about the scene, yes and no equally likely. Empty where it has none of that kind: a shape that is shown in several colours is
// not asked about, and the place of one that is shown twice neither.
std::optional<Lesson> lesson(const Scene& scene, LessonKind kind, Rng& rng);

// At most `most` of them, each of a kind drawn from `kinds` (one that stands there twice is drawn twice as often; where the scene has
// none of the kind, the next one's).
std::vector<Lesson> lessons(const Scene& scene, int most, std::span<const LessonKind> kinds, Rng& rng);

}  // namespace beholder::world
