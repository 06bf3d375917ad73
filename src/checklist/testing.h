// Where the tests' lists, weights and reference numbers are; what an error says.
#pragma once

#include <functional>
#include <string>

#include "core/error.h"

namespace beholder::checklist {

inline const std::string kData = BEHOLDER_SOURCE_DIR "/tests/data/checklist/";

inline std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace beholder::checklist
