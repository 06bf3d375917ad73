#include "train/taught_source.h"

#include <algorithm>

namespace beholder::train {

double Balance::keep(const Known& known) const {
  const Count& count = counts_[known.question];
  const auto own = static_cast<double>(known.yes ? count.yes : count.no), other = static_cast<double>(known.yes ? count.no : count.yes);
  return own > 0 ? std::min(1.0, other / own) : 0;
}

std::vector<Known> Balance::draw(const std::vector<Known>& all, std::size_t most, Rng rng) const {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (rng.chance(keep(all[i]))) kept.push_back(i);
  if (kept.empty() && !all.empty()) {
    const auto likeliest = std::max_element(all.begin(), all.end(), [&](const Known& a, const Known& b) { return keep(a) < keep(b); });
    if (keep(*likeliest) > 0) kept.push_back(static_cast<std::size_t>(likeliest - all.begin()));
  }
  rng.shuffle(kept);
  kept.resize(std::min(kept.size(), most));
  std::sort(kept.begin(), kept.end());
  std::vector<Known> out;
  for (const std::size_t i : kept) out.push_back(all[i]);
  return out;
}

std::vector<std::size_t> Balance::one_sided() const {
  std::vector<std::size_t> out;
  for (std::size_t q = 0; q < counts_.size(); ++q)
    if (counts_[q].yes == 0 || counts_[q].no == 0) out.push_back(q);
  return out;
}

}  // namespace beholder::train
