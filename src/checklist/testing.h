// Where the tests' lists, weights and reference numbers are.
#pragma once

#include <string>

namespace beholder::checklist {

inline const std::string kData = BEHOLDER_SOURCE_DIR "/tests/data/checklist/";

}  // namespace beholder::checklist
