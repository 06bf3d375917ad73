// The truth about the yes/no questions that the checklists of the embedded world ask (src/checklist/lists/world*.toml), read off the
// scene. A checklist of one's own may ask any of them.
#pragma once

#include <optional>
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

// Simpler questions about a thing or two, for learning the others: "Is it red?" of any shown thing; "Is the circle red?" of one shape,
// half of them with the colour of another thing in place of one that is not there; "Is the circle left of the middle?"; "Is the circle left
// of the star?" where two are shown. At most `most` of them, a kind by chance each (the next one where
// the scene has none of it), yes and no equally likely. A shape that is shown in
// several colours is not asked about, and the place of one that is shown twice neither.
struct Lesson {
  std::string question;
  bool yes = false;
};
std::vector<Lesson> lessons(const Scene& scene, int most, Rng& rng);

}  // namespace beholder::world
