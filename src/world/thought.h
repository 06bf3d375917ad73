// What a careful, fair viewer would write about an item's pictures before judging: what each one shows, how well it is
// made, and its faults. It never says which is better. What differs from the prompt is said where it is seen, so that the list of
// faults can be read off the words before it. Judges learn to see by learning to write this:
//   Image 1 shows a red circle left of a blue square. It is sharp, clean and whole. Faults: none.
//   Image 2 shows a green, not red, circle and no blue square. It is sharp, noisy and whole. Faults: wrong colour, missing object, noise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "world/item.h"

namespace beholder::world {

// One line per medium. Videos are called "Video 1" and are also "steady" or "flickering".
std::string reference_thought(const Item& item);

// What there is to see in an item of one medium, whatever was asked for: "Image 1 shows a red circle. It is sharp, noisy and whole."
std::string caption(const Item& item);

// The rule a judge starts from, before it knows the voters: every fault counts the same.
int naive_choice(const Item& item, std::uint64_t seed);          // 0-based; fewest faults, ties by a seeded hash of the id
std::string naive_answer(const Item& item, std::uint64_t seed);  // the choice as people count: "1", "2", …
std::vector<int> naive_scores(const Item& item);                 // max(1, 9 - 2 * faults) per medium

// `n` texts that cover every word and number of the world, to train a tokenizer on: prompts and thoughts of pictures and
// videos, of one and of several media. `more` are the caller's own texts, spread evenly among them.
std::vector<std::string> corpus(std::uint64_t seed, std::size_t n, const std::vector<std::string>& more = {});

}  // namespace beholder::world
