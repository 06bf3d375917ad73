// One subject's questions, asked in one round or in several: what a later round asks may depend on the answers before it. The rounds of
// many subjects are put to the judge together.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/json.h"
#include "judge/judge.h"

namespace beholder::judge {

struct Inquiry {
  std::vector<Question> questions;  // of the first round
  // All answers so far, in the order of asking -> the next round's questions; none: it is over. Empty function: one round.
  std::function<std::vector<Question>(std::span<const Answered>)> more = {};
  std::function<Json(std::span<const Answered>)> result = {};  // what all answers say
  std::int64_t most = 0;                                       // questions in all at most, where there are several rounds
  std::optional<Question> largest = {};                        // and the largest that any round may ask
};

// Answers per inquiry, all rounds one after the other. Takes the questions out of the inquiries.
std::vector<std::vector<Answered>> ask_all(Judge& judge, std::span<Inquiry> inquiries, const JudgeOptions& options,
                                           const JudgeProgress& progress = {});

}  // namespace beholder::judge
