// One cell of an Arrow array as JSON. Only included where Arrow is there.
#pragma once

#include <cstdint>

#include "core/json.h"

namespace arrow {
class Array;
}

namespace beholder::data {

// Null stays null, binary values stay binary, a dictionary gives the value it stands for; a type JSON does not know (date,
// decimal…) gives Arrow's text of it. The array must be valid (ValidateFull).
Json arrow_value(const arrow::Array& array, std::int64_t row);

}  // namespace beholder::data
