// The truth about the yes/no questions that the checklists of the embedded world ask (src/checklist/lists/world*.toml), read off the
// scene. A checklist of one's own may ask any of them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "world/scene.h"

namespace beholder::world {

// Every question with a known answer, "[[prompt]]" where the prompt goes.
std::vector<std::string_view> known_questions();

// Whether the answer to `question` (as above) is yes. Empty for a question that is not known, and where it has no
// answer: a wrong count where none was asked for (a checklist masks it there).
std::optional<bool> truth_of(std::string_view question, const Prompt& prompt, const Scene& scene);

}  // namespace beholder::world
