// How quantised weights lie in memory, for the two files that write and read them. A block is 16 rows; of a group of 32 columns it holds,
// four columns at a time, the four codes of row 0, of row 1 ...: with 8 bits the codes of columns 4s..4s+3 are 64 bytes, with 4 bits
// columns 8s..8s+3 are the lower halves of 64 bytes and columns 8s+4..8s+7 the upper ones.
#pragma once

#include "vlm/clones.h"
#include "vlm/quantised.h"

namespace beholder::vlm {

inline constexpr int kGroup = 32;  // columns that share a scale
inline constexpr int kRows = 16;   // rows of a block: one lane each

constexpr std::int64_t group_bytes(int bits) {
  return kGroup * kRows * bits / 8;
}
constexpr int zero_code(int bits) {
  return 1 << (bits - 1);
}

// Where column i of a group, of row r of its block, lies.
struct CodePlace {
  int byte, shift;
};
BEHOLDER_INLINE constexpr CodePlace code_place(int bits, int r, int i) {
  if (bits == 8) return {(i / 4 * kRows + r) * 4 + i % 4, 0};
  return {(i / 8 * kRows + r) * 4 + i % 4, i % 8 / 4 * 4};
}
BEHOLDER_INLINE constexpr int code_at(const std::uint8_t* group, int bits, int r, int i) {
  const CodePlace at = code_place(bits, r, i);
  return bits == 8 ? group[at.byte] : group[at.byte] >> at.shift & 15;
}

}  // namespace beholder::vlm
