// Where the tests' data sets are.
#pragma once

#include <string>

namespace beholder::data::testing {

inline std::string fixture(const std::string& name) {
  return std::string(BEHOLDER_SOURCE_DIR "/tests/data/datasets/") + name;
}

}  // namespace beholder::data::testing
