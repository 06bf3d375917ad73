// What the tests of this room share: where the fixtures are, the small tokenizer, and what a call throws.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/error.h"
#include "hf/tokenizer.h"

namespace beholder::hf {

inline const std::string kData = BEHOLDER_SOURCE_DIR "/tests/data/hf/";

inline const Tokenizer& tiny() {
  static const Tokenizer tokenizer = Tokenizer::load(kData + "tiny");
  return tokenizer;
}

// The code, and into `text` the sentence, of the Error that `act` throws; a failure of the test when it throws none.
inline Code code_of(const std::function<void()>& act, std::string* text = nullptr) {
  try {
    act();
  } catch (const Error& e) {
    if (text) *text = e.what();
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::kInternal;
}

}  // namespace beholder::hf
