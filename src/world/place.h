// Where a scene's objects stand: apart from each other, inside the picture, and in an unmistakable relation where one is
// asked for.
#pragma once

#include <vector>

#include "core/rng.h"
#include "world/scene.h"

namespace beholder::world {

// Room around every object, px; `drift` px of movement stay free on every side.
struct Frame {
  int width, height;
  double drift = 0;
};

// Centres and sizes of two objects so that relation_between(a, b) == relation. `slack` bounds the distance on the other axis as a
// share of the distance on the relation's axis: 0.35 is unmistakable, below 1 is still true.
void place_pair(Rng& rng, const Frame& frame, Relation relation, double slack, Object& a, Object& b);

// Centres and sizes of 1..5 objects that do not touch.
void place_free(Rng& rng, const Frame& frame, std::vector<Object>& objects);

}  // namespace beholder::world
