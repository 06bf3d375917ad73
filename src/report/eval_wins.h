// Who wins in an evaluation: by people's ranks, and by the models that made the media. Internal to the room.
#pragma once

#include <string>

#include "core/json.h"

namespace beholder::report {

// Of result["win_matrix"] and result["model_wins"]; nothing where there is neither.
std::string wins_html(const Json& result);

}  // namespace beholder::report
