// What the tests of this room share: the fixtures, a picture that tools/oracle_media.py computes too, and error codes.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/sha256.h"
#include "media/image.h"

namespace beholder::media::testing {

inline std::string fixture(std::string_view name) {
  return std::string(BEHOLDER_SOURCE_DIR "/tests/data/media/") + std::string(name);
}

inline const Json& expected() {
  static const Json json = read_json(fixture("expected.json"));
  return json;
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

inline std::string sha_of(const Image& image) {
  return sha256_hex(std::as_bytes(std::span(image.rgb)));
}

// Ramps, blocks and noise in 32-bit integer arithmetic, as synth() of the oracle writer.
inline Image synth(int width, int height, std::uint32_t seed) {
  Image image{width, height, {}};
  image.rgb.reserve(std::size_t{3} * width * height);
  for (std::uint32_t y = 0; y < static_cast<std::uint32_t>(height); ++y)
    for (std::uint32_t x = 0; x < static_cast<std::uint32_t>(width); ++x)
      for (std::uint32_t c = 0; c < 3; ++c) {
        std::uint32_t n = x * 374761393u + y * 668265263u + c * 2246822519u + seed * 3266489917u;
        n = (n ^ (n >> 13)) * 1274126177u;
        image.rgb.push_back(static_cast<std::uint8_t>(x * (3 + c) + y * (5 + 2 * c) + (x / 7 + y / 5 + c) % 3 * 60 + (n >> 27)));
      }
  return image;
}

// The code of the Error that `call` throws; nothing when it throws none.
template <class Call>
std::optional<Code> code_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_FALSE(error.where().empty() && error.problem().empty());
    return error.code();
  }
  return {};
}

}  // namespace beholder::media::testing
