// Draws a scene. Edges are anti-aliased from exact distances; a picture of 96x96 px takes well under a millisecond.
#pragma once

#include "media/image.h"
#include "world/scene.h"

namespace beholder::world {

// Frame `frame` (0 .. scene.frames-1) as RGB. A pure function of its arguments; any thread.
media::Image render(const Scene& scene, int frame = 0);

}  // namespace beholder::world
