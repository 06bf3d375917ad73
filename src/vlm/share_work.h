// A loop that threads share while it runs: each takes the next piece when it is free. Where cores are not equally quick (others use them,
// too), halves dealt out before end at different times, and a decoding step has a hundred such loops.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace beholder::vlm {

// work(begin, end) for pieces of [0, n), `piece` long but for the last; pieces begin in order.
template <class Work>
void share_work(std::int64_t n, std::int64_t piece, const Work& work) {
  const std::int64_t pieces = (n + piece - 1) / piece;
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, std::min<std::int64_t>(pieces, at::get_num_threads()), 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t p = next++; p < pieces; p = next++) work(p * piece, std::min(n, (p + 1) * piece));
  });
}

}  // namespace beholder::vlm
