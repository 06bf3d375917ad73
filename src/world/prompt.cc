#include "world/prompt.h"

#include <string>
#include <vector>

#include "world/reader.h"

namespace beholder::world {

std::optional<Prompt> parse_prompt(std::string_view text) {
  const std::vector<std::string> sentences = sentences_of(text);
  if (sentences.size() != 1) return std::nullopt;
  const std::optional<ShowsClaim> claim = read_shows("image 1 shows " + sentences[0]);
  if (!claim) return std::nullopt;
  Prompt prompt;
  prompt.first = claim->things[0].thing;
  if (claim->things.size() == 2) {
    prompt.kind = claim->relation ? PromptKind::kRelation : PromptKind::kPair;
    prompt.second = claim->things[1].thing;
    prompt.relation = claim->relation.value_or(prompt.relation);
    if (prompt.first.shape == prompt.second.shape) return std::nullopt;
  } else {
    prompt.kind = PromptKind::kCount;
    prompt.count = claim->things[0].number;
    if (prompt.count < 1 || prompt.count > kMostCount) return std::nullopt;
  }
  // The reader takes more than prompts say ("no red circle", "2 red stars"); what a prompt says comes out as it went in.
  return prompt.text() == sentences[0] ? std::optional(prompt) : std::nullopt;
}

}  // namespace beholder::world
