// A checklist as JSON, for showing it.
#pragma once

#include <span>

#include "checklist/checklist.h"
#include "core/json.h"

namespace beholder::checklist {

// {"title", "media", "count", "presence": [{"id", "question"}], "dimensions": [{"name", "subs": [{"name", "needs"?, "questions":
//  [{"question", "level"?, "weight"?}]}]}]}. `coef`: one weight per feature, or none.
Json tree_record(const Checklist& list, std::span<const double> coef = {});

}  // namespace beholder::checklist
