// The worst errors of an evaluation: the two media, what people said, what the judge said, and its thought. Internal to the room.
#pragma once

#include <string>

#include "core/json.h"

namespace beholder::report {

// Of result["errors"]; nothing for none.
std::string worst_errors_html(const Json& result);

}  // namespace beholder::report
