// Counter-based randomness (Philox 4x32-10, Salmon et al. 2011). A draw is a pure function of its key, so a sample does
// not depend on its batch mates and a resumed run draws what the uninterrupted one would have drawn.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace beholder {

// 64 well-mixed bits of a string (FNV-1a, then a finaliser); stable across machines and versions.
std::uint64_t stable_hash(std::string_view text);
// One key from several numbers, e.g. key(seed, step, item, sample).
std::uint64_t mix_keys(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0);

class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t item = 0, std::uint64_t sample = 0)
      : key_(mix_keys(seed, stream, item, sample)) {}

  std::uint32_t bits32();
  std::uint64_t bits64() { return (std::uint64_t{bits32()} << 32) | bits32(); }
  double uniform() { return static_cast<double>(bits64() >> 11) * 0x1.0p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal();                       // mean 0, variance 1
  std::uint64_t below(std::uint64_t n);  // 0..n-1 without modulo bias; n > 0
  bool chance(double p) { return uniform() < p; }

  template <class Sequence>
  const auto& pick(const Sequence& s) {
    return s[below(std::size(s))];
  }
  template <class Sequence>
  void shuffle(Sequence& s) {  // Fisher-Yates
    for (std::size_t i = std::size(s); i > 1; --i) std::swap(s[i - 1], s[below(i)]);
  }

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
  std::array<std::uint32_t, 4> block_{};
  int left_ = 0;
};

}  // namespace beholder
